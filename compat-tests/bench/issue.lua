-- Posts the body in the file BENCH_BODY to /v3/auth/tokens; with BENCH_OUT, the first BENCH_COUNT tokens of each client
-- thread are written to files of that name with a number behind it.
local threads = 0
function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

local left, out = 0, nil
function init()
  local file = io.open(os.getenv("BENCH_BODY"), "rb")
  wrk.method, wrk.path, wrk.body = "POST", "/v3/auth/tokens", file:read("*a")
  wrk.headers["Content-Type"] = "application/json"
  file:close()
  if os.getenv("BENCH_OUT") then
    out, left = io.open(os.getenv("BENCH_OUT") .. id, "w"), tonumber(os.getenv("BENCH_COUNT"))
    function response(status, headers)
      if status == 201 and left > 0 then
        for name, value in pairs(headers) do
          if name:lower() == "x-subject-token" then
            out:write(value, "\n")
            out:flush()
            left = left - 1
          end
        end
      end
    end
  end
end
