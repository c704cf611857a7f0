-- Validates the tokens of a file in turn (environment: BENCH_TOKENS the file, BENCH_AUTH the caller's own token).
-- All requests are built beforehand and all are different texts, so that one token (the same line again and again) and many
-- cost the client the same time and memory.
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

local requests, turn = {}, 0

function init()
  for subject in io.lines(os.getenv("BENCH_TOKENS")) do
    local headers = { ["X-Auth-Token"] = os.getenv("BENCH_AUTH"), ["X-Subject-Token"] = subject, ["X-Line"] = string.format("%06d", #requests) }
    requests[#requests + 1] = wrk.format("GET", "/v3/auth/tokens", headers)
  end
  -- The client's threads start at different places.
  turn = math.floor(#requests / 2) * id
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
