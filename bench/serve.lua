-- Sends one body over and over; tells answers from refusals, each with its own histogram of times, which wrk does not.
-- Arguments: file of the body, content type, length of the JSON part (0: none), milliseconds between requests (0: none).
local ffi = require("ffi")
ffi.cdef [[ typedef struct { long s; long ns; } netpick_time; int clock_gettime(int, netpick_time *); ]]
local clock = ffi.new("netpick_time")
local function now()
  ffi.C.clock_gettime(1, clock)
  return tonumber(clock.s) * 1e6 + tonumber(clock.ns) / 1e3
end
local BASE, WARM = math.log(1.02), 1e6
local threads = {}
function setup(thread) table.insert(threads, thread) end

local sent, number, began, think = {}, 0, 0, 0
answered, refused, others, plain, first, last = {}, {}, 0, 0, 0, 0
local head, body

function init(args)
  local file = io.open(args[1], "rb")
  body = file:read("*a")
  file:close()
  think = tonumber(args[4])
  head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " .. args[2] .. "\r\nContent-Length: " .. #body .. "\r\n"
  if args[3] ~= "0" then head = head .. "Inference-Header-Content-Length: " .. args[3] .. "\r\n" end
  head = head .. "X-Request-Id: "
  began = now()
  math.randomseed(began)
  if think == 0 then delay = nil end
end

function delay() return math.floor(-math.log(1 - math.random()) * think + 0.5) end

function request()
  number = number + 1
  local id = "r" .. number
  sent[id] = now()
  return head .. id .. "\r\n\r\n" .. body
end

function response(status, headers)
  local id = headers["x-request-id"]
  local time = now()
  if id == nil and status == 200 then plain = plain + 1 return end
  if id == nil or sent[id] == nil then others = others + 1 return end
  local took = time - sent[id]
  sent[id] = nil
  if time - began < WARM then return end
  if first == 0 then first = time end
  last = time
  local slot = math.floor(math.log(math.max(took, 1)) / BASE)
  if status == 200 then answered[slot] = (answered[slot] or 0) + 1
  elseif status == 429 then refused[slot] = (refused[slot] or 0) + 1
  else others = others + 1 end
end

local function summed(name)
  local all, count = {}, 0
  for _, thread in ipairs(threads) do
    for slot, n in pairs(thread:get(name) or {}) do
      all[slot] = (all[slot] or 0) + n
      count = count + n
    end
  end
  return all, count
end

local function quantile(all, count, share)
  local seen = 0
  for slot = 0, 1200 do
    seen = seen + (all[slot] or 0)
    if seen >= share * count then return math.exp((slot + 0.5) * BASE) / 1000 end
  end
  return 0
end

function done(summary, latency)
  local good, goods = summed("answered")
  local bad, bads = summed("refused")
  local seconds, strange = 0, 0
  for _, thread in ipairs(threads) do
    seconds = math.max(seconds, (thread:get("last") - thread:get("first")) / 1e6)
    strange = strange + thread:get("others")
  end
  local p50, p99 = quantile(good, goods, 0.5), quantile(good, goods, 0.99)
  if goods == 0 then  -- a server that does not send identifiers back: wrk's own figures, which is all there is of it
    for _, thread in ipairs(threads) do goods = goods + thread:get("plain") end
    seconds, p50, p99 = summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000
  end
  io.write(string.format(
    'JSON {"seconds":%.3f,"answered":%d,"p50":%.3f,"p99":%.3f,"refused":%d,"refused_p50":%.3f,"refused_p99":%.3f,"others":%d,"broken":%d}\n',
    seconds, goods, p50, p99, bads, quantile(bad, bads, 0.5), quantile(bad, bads, 0.99),
    strange, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
