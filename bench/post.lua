-- wrk posts the event of the file that is named behind `--`, as JSON; behind it perhaps an
-- invocation type. In the end it tells what it counted, every latency among it, in µs.
function init(args)
   local file = assert(io.open(args[1], "rb"))
   wrk.method = "POST"
   wrk.body = file:read("*a")
   file:close()
   wrk.headers["Content-Type"] = "application/json"
   if args[2] then
      wrk.headers["X-Amz-Invocation-Type"] = args[2]
   end
end

function done(summary, latency, requests)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format("counted %d %d %d\n", summary.requests, summary.duration, failed))
   for i = 1, #latency do
      local us, count = latency(i)
      io.write(string.format("latency %d %d\n", us, count))
   end
end
