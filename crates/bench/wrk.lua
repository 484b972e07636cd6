-- Each request is of the next of many sessions (or tokens) and addresses, so that what is measured are the pages as they are run, with
-- their limits, and not the refusal of one person who asks too often. Arguments: path, who, how many; `%d` in the path and in who is
-- the number of the session, in the path at most `range`.

local requests, at = {}, 0

function init(args)
   local path, header, value, count, range = args[1], args[2], args[3], tonumber(args[4]), tonumber(args[5])
   for n = 1, count do
      local headers = {
         ["Accept-Encoding"] = "gzip",
         ["X-Forwarded-For"] = ("10.0.%d.%d"):format(math.floor(n / 250), n % 250),
      }
      headers[header] = value:gsub("%%d", n)
      requests[n] = wrk.format("GET", path:gsub("%%d", (n - 1) % range + 1), headers)
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

-- One line for `cargo xtask bench`: requests, failures, and microseconds: duration, 50th and 99th percentile.
function done(summary, latency)
   local errors = summary.errors
   local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(("measured %d %d %d %d %d\n"):format(summary.requests, failures, summary.duration, latency:percentile(50), latency:percentile(99)))
end
