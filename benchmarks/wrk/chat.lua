-- The same chat call again and again. THINK_MS: each connection waits between its calls, on average so long,
-- exponentially distributed, so that many connections together make Poisson arrivals at a rate below the maximum.
-- MIXED: now and then a call that finds something, cannot be read, or asks for what is not there.

local function read(name)
  local file = assert(io.open(os.getenv(name), "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local path = "/v1/chat/completions"
wrk.method = "POST"
wrk.path = path
wrk.body = read("BODY_FILE")
wrk.headers["Content-Type"] = "application/json"
for name, value in string.gmatch(os.getenv("HEADERS") or "", "([^:\n]+): ([^\n]+)") do
  wrk.headers[name] = value
end

local think_ms = tonumber(os.getenv("THINK_MS") or "")
if think_ms then
  function delay()
    return math.floor(-math.log(1 - math.random()) * think_ms + math.random())
  end
end

if os.getenv("MIXED") then
  local turn = 0
  local finding = read("FINDING_FILE")
  function request()
    turn = turn + 1
    if turn % 10 == 3 then return wrk.format("POST", path, nil, finding) end
    if turn % 50 == 7 then return wrk.format("POST", path, nil, "{\"model\": ") end
    if turn % 50 == 21 then return wrk.format("GET", "/v1/nothing", nil, "") end
    return wrk.format("POST", path)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format(
    'RESULT {"requests": %d, "duration_us": %d, "status_errors": %d, "socket_errors": %d, "p50_us": %d, "p99_us": %d, "max_us": %d}',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
