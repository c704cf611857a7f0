-- Posts an empty body.
wrk.method = "POST"
