-- wrk posts the event that is given behind `--`, as JSON; behind it perhaps an invocation type.
function init(args)
   wrk.method = "POST"
   wrk.body = args[1]
   wrk.headers["Content-Type"] = "application/json"
   if args[2] then
      wrk.headers["X-Amz-Invocation-Type"] = args[2]
   end
end
