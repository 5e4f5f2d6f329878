/**
 * The scripts that a decision and its settlement are in Redis: each runs as a whole, in one round trip.
 * They say what counters-memory.ts says; test/helpers/counter-store-suite.ts holds both to it.
 *
 * A claim has two keys and five arguments: kind, amount, limit, extra (a window's length, a budget's end),
 * and whether it is enforced. A window is a hash from slot to amount; slots of calls are a sorted set of ids
 * by the end of their leases; a budget is a hash of `used`, `reserved` and `seeded` (what was used before is in it, or
 * nothing was, because its first call came when everything before had been told), with a sorted set of
 * `id:amount` by the end of the reservation. Nothing is taken away as 0 - 0: Redis takes no -0.
 */

/** How long it is remembered which settlements of a gateway were counted, unless the gateway asks for longer. */
export const MARK_MS = 30 * 86_400_000;

/** KEYS: two a claim. ARGV: id, now, lease of budgets, lease of slots, then five a claim. */
export const DECIDE = `
local id, now, lease, slotLease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function int(x) return string.format('%.0f', x) end
local granted, reply = 1, {}
local n = #KEYS / 2
for i = 1, n do
  local key, holders = KEYS[2 * i - 1], KEYS[2 * i]
  local p = 5 * i
  local kind, amount, limit, extra = ARGV[p], tonumber(ARGV[p + 1]), tonumber(ARGV[p + 2]), tonumber(ARGV[p + 3])
  local used, wait = 0, 0
  if kind == 'window' then
    local slotMs = extra / 60
    local newest = math.floor(now / slotMs)
    local all, live, over = redis.call('HGETALL', key), {}, {}
    for j = 1, #all, 2 do
      local slot, value = tonumber(all[j]), tonumber(all[j + 1])
      if slot >= newest - 60 then
        used = used + value
        live[#live + 1] = { slot, value }
      else
        over[#over + 1] = all[j]
      end
    end
    if #over > 0 then redis.call('HDEL', key, unpack(over)) end
    if used + amount > limit then
      table.sort(live, function(a, b) return a[1] < b[1] end)
      local freed, last = 0, newest
      for _, entry in ipairs(live) do
        freed = freed + entry[2]
        if freed >= used + amount - limit then
          last = entry[1]
          break
        end
      end
      wait = math.max(1, math.ceil((last + 61) * slotMs - now))
    end
  elseif kind == 'slot' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used = redis.call('ZCARD', key)
    if used + 1 > limit then wait = 1000 end
  else
    local over = redis.call('ZRANGEBYSCORE', holders, '-inf', now, 'LIMIT', 0, 500)
    for _, member in ipairs(over) do
      redis.call('HINCRBY', key, 'reserved', int(0 - tonumber(string.match(member, ':(%d+)$'))))
      redis.call('ZREM', holders, member)
    end
    used = tonumber(redis.call('HGET', key, 'used') or 0) + tonumber(redis.call('HGET', key, 'reserved') or 0)
    if used + amount > limit then wait = math.max(1, extra - now) end
  end
  if wait > 0 and ARGV[p + 4] == '1' then granted = 0 end
  reply[2 * i] = used
  reply[2 * i + 1] = wait
end
reply[1] = granted
if granted == 0 then return reply end
for i = 1, n do
  local key, holders = KEYS[2 * i - 1], KEYS[2 * i]
  local p = 5 * i
  local kind, amount, extra = ARGV[p], ARGV[p + 1], tonumber(ARGV[p + 3])
  if kind == 'window' then
    redis.call('HINCRBY', key, int(math.floor(now / (extra / 60))), amount)
    redis.call('PEXPIRE', key, int(extra + math.ceil(extra / 60) + 1000))
  elseif kind == 'slot' then
    redis.call('ZADD', key, int(now + slotLease), id)
    redis.call('PEXPIRE', key, int(slotLease + 1000))
  else
    redis.call('HINCRBY', key, 'reserved', amount)
    redis.call('HSETNX', key, 'seeded', '1')
    redis.call('ZADD', holders, int(now + lease), id .. ':' .. amount)
    redis.call('PEXPIREAT', key, int(extra + 86400000))
    redis.call('PEXPIREAT', holders, int(extra + 86400000))
  end
end
return reply
`;

/**
 * KEYS: two a claim, then what the gateway's settlements are noted in. ARGV: id, now, when it was decided, the
 * settlement's number, then five a claim: kind, amount reserved, actual amount, extra, unused. Replies 1 and what each
 * budget has used, or 0 alone when it comes too late (redis-settlements.ts) and nothing was done.
 */
export const SETTLE = `
local id, now, decided, number = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local mark = KEYS[#KEYS]
local function int(x) return string.format('%.0f', x) end
local noted = redis.call('HMGET', mark, 'counted', 'fence')
if number <= math.max(tonumber(noted[1] or 0), tonumber(noted[2] or 0)) then return { 0 } end
if redis.call('HSET', mark, 'counted', ARGV[4]) == 1 then redis.call('PEXPIRE', mark, ${MARK_MS}) end
local reply = { 1 }
for i = 1, (#KEYS - 1) / 2 do
  local key, holders = KEYS[2 * i - 1], KEYS[2 * i]
  local p = 5 * i
  local kind, amount, actual, extra = ARGV[p], ARGV[p + 1], ARGV[p + 2], tonumber(ARGV[p + 3])
  reply[i + 1] = -1
  if kind == 'window' then
    local slotMs = extra / 60
    local slot = math.floor(decided / slotMs)
    local difference = tonumber(actual) - tonumber(amount)
    if difference ~= 0 and slot >= math.floor(now / slotMs) - 60 then
      redis.call('HINCRBY', key, int(slot), int(difference))
      redis.call('PEXPIRE', key, int(extra + math.ceil(extra / 60) + 1000))
    end
  elseif kind == 'slot' then
    redis.call('ZREM', key, id)
  else
    if redis.call('ZREM', holders, id .. ':' .. amount) == 1 then
      redis.call('HINCRBY', key, 'reserved', int(0 - tonumber(amount)))
    end
    reply[i + 1] = redis.call('HINCRBY', key, 'used', actual)
    redis.call('PEXPIREAT', key, int(extra + 86400000))
  end
end
return reply
`;

/** KEYS: what the gateway's settlements are noted in. ARGV: a number; what has a lower one is refused from now on. */
export const FENCE = `
redis.call('HSET', KEYS[1], 'fence', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ${MARK_MS})
return tonumber(redis.call('HGET', KEYS[1], 'counted') or 0)
`;

/** KEYS: the budget. ARGV: used before, end of the period. */
export const SEED = `
if redis.call('HSETNX', KEYS[1], 'seeded', '1') == 1 then
  redis.call('HINCRBY', KEYS[1], 'used', ARGV[1])
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', tonumber(ARGV[2]) + 86400000))
end
return 1
`;

/** KEYS: one a slot. ARGV: the new end of the lease, its length, then the id that holds each. */
export const RENEW = `
for i = 1, #KEYS do
  redis.call('ZADD', KEYS[i], ARGV[1], ARGV[i + 2])
  redis.call('PEXPIRE', KEYS[i], ARGV[2] + 1000)
end
return 1
`;
