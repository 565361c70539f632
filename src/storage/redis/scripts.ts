/*
 * What runs inside the counter store. Each script is one moment there: it sees all counters as they are and changes all of them
 * or none. It is also where time comes from.
 *
 * Keys, all with the cluster's name as hash tag, so that they lie on one node:
 *
 *     meta       epoch, run (of the server process), state (rebuilding | open), since, previous (epoch), changes, log (of notices)
 *     members    s:<replica> its session, t:<replica> when it was last seen, in ms, p:<replica> its process,
 *                n:<name> the replica that is called so
 *     known      sorted set: every counter that there is, by when it expires; and that the set is there
 *     expected, done   sets: who must publish before a new epoch opens, and who has
 *     <epoch>:<counter>   hash: # sum | <holder> what it holds | ~<holder> how much of that it does not use | t
 *                $<holder> what it has spent by its ledger, and the process that said so
 *
 * A holder of a budget is a replica, by the identity of its ledger: what that has spent stays spent. Of all else it is one process of a
 * replica (<replica>/<process>): what it held is free when another has taken its place.
 *
 * What an earlier process of a replica had spent and the present one knows nothing of (its ledger was put back, or is another) is held by
 * <replica>^, of which nobody gives anything back.
 *
 * A replica says what it holds as an absolute figure, so that saying it twice changes nothing. Of budgets and concurrency that is what
 * it has spent, reserved, and borrowed ahead; of rates what it has borrowed and not used. `t` of a rate is the theoretical arrival time
 * in microseconds (see rate-limit.ts); it never runs less far ahead than what is borrowed, so that what lies in
 * replicas and in the bucket together is never more than the burst.
 *
 * Every call names its epoch and session. A call of a session that was given up, which may have waited in a socket, changes nothing.
 */

const PRELUDE = `
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local nowMs = math.floor(nowUs / 1000)
local epoch, replica, session = ARGV[1], ARGV[2], ARGV[3]
local function whole(n) return string.format('%.0f', n) end
local function problem(mayRebuild)
  local meta = redis.call('HMGET', KEYS[1], 'epoch', 'state')
  if meta[1] ~= epoch then return 'epoch' end
  if redis.call('HGET', KEYS[2], 's:' .. replica) ~= session then return 'session' end
  if meta[2] ~= 'open' and not mayRebuild then return 'rebuilding' end
  return nil
end
local process = redis.call('HGET', KEYS[2], 'p:' .. replica) or ''
local function holder(kind) return kind == 'budget' and replica or replica .. '/' .. process end
local function number(key, field) return tonumber(redis.call('HGET', key, field) or '0') end
local function put(key, field, value)
  local change = value - number(key, field)
  if change == 0 then return end
  redis.call('HSET', key, field, whole(value))
  redis.call('HINCRBY', key, '#', whole(change))
end
local function idle(key, field, value)
  if value > 0 then redis.call('HSET', key, '~' .. field, whole(value))
  else redis.call('HDEL', key, '~' .. field) end
end
-- A counter that there is, and nobody deleted, is there until then.
local function keep(key, ttlMs)
  if redis.call('PEXPIRE', key, ttlMs) == 1 then redis.call('ZADD', KEYS[3], nowMs + tonumber(ttlMs), key) end
end
-- Whether a counter was evicted or deleted: less is there than this replica was told, or nothing at all of what there was.
local function isLost(key, field, told)
  if number(key, field) < told then return true end
  if redis.call('EXISTS', key) == 1 then return false end
  return tonumber(redis.call('ZSCORE', KEYS[3], key) or '0') > nowMs + 1000
end
-- Nobody knows what else is gone: every replica says anew what it holds, in a new epoch.
local function lose()
  redis.call('HSET', KEYS[1], 'run', 'lost', 'state', 'lost')
  return { 'epoch' }
end
local function arrival(key, unitUs)
  return math.max(number(key, 't'), math.ceil(nowUs + number(key, '#') * unitUs))
end
local function isReplica(field)
  local first = string.sub(field, 1, 1)
  return #field > 1 and first ~= '~' and first ~= '$'
end
`

/** Joins an epoch, or begins one where there is none, or where the server is another process than when it began. */
export const JOIN = `
-- KEYS meta members known expected done
-- ARGV new epoch, replica, session, run, process, name, ms until another counts as gone, ms until one counts as dead, peers...
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'state', 'previous')
local epoch, run, state, previous = meta[1], meta[2], meta[3], meta[4]
local function isSeen(other, ms)
  local seen = redis.call('HGET', KEYS[2], 't:' .. other)
  return seen and nowMs - tonumber(seen) <= tonumber(ms)
end
local process = redis.call('HGET', KEYS[2], 'p:' .. ARGV[2])
if process and process ~= ARGV[5] and isSeen(ARGV[2], ARGV[7]) then return { 'taken', 'ledger' } end
local called = redis.call('HGET', KEYS[2], 'n:' .. ARGV[6])
if called and called ~= ARGV[2] and isSeen(called, ARGV[7]) then return { 'taken', 'name' } end
redis.call('HSETNX', KEYS[1], 'log', ARGV[1])
if not epoch or run ~= ARGV[4] then
  previous = epoch or ''
  epoch = ARGV[1]
  state = 'rebuilding'
  local members = redis.call('HKEYS', KEYS[2])
  redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
  for at = 1, #members do
    local other = string.sub(members[at], 3)
    if string.sub(members[at], 1, 2) == 't:' and isSeen(other, ARGV[8]) then redis.call('SADD', KEYS[4], other) end
  end
  redis.call('DEL', KEYS[2])
  redis.call('ZADD', KEYS[3], '+inf', 'there')
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run', ARGV[4], 'state', state, 'previous', previous,
    'since', string.format('%.0f', nowMs))
end
redis.call('HSET', KEYS[2], 's:' .. ARGV[2], ARGV[3], 't:' .. ARGV[2], string.format('%.0f', nowMs),
  'p:' .. ARGV[2], ARGV[5], 'n:' .. ARGV[6], ARGV[2])
if state == 'rebuilding' then
  redis.call('SREM', KEYS[5], ARGV[2])
  redis.call('SADD', KEYS[4], ARGV[2])
  for at = 9, #ARGV do redis.call('SADD', KEYS[4], ARGV[at]) end
end
return { epoch, state, previous or '' }
`

/**
 * Says what a replica holds, whatever the epoch's state, and what it knows of others that are not there to say it: of those the largest
 * figure that anybody knows counts, until they come back.
 */
export const PUBLISH = `${PRELUDE}
-- KEYS meta members known then (counter, the same in the previous epoch)...
-- ARGV epoch replica session then (kind, held, idle, ahead in us, unit in us, ttl in ms, spent, peers, (peer, held)...)...
local wrong = problem(true)
if wrong then return { wrong } end
local present = {}
local fields = redis.call('HKEYS', KEYS[2])
for at = 1, #fields do
  if string.sub(fields[at], 1, 2) == 's:' then present[string.sub(fields[at], 3)] = true end
end
local isOpen = redis.call('HGET', KEYS[1], 'state') == 'open'
-- Who is there says itself what it holds, of all that it uses now. What was seen of others is worth less than what the store has of
-- them, unless that is being made anew; what a ledger says (=) they hold at least.
local function inherit(key, peer, held)
  local isSpent = string.sub(peer, 1, 1) == '='
  if isSpent then peer = string.sub(peer, 2) end
  if peer == replica or held <= number(key, peer) then return end
  if isSpent and not present[peer] then return put(key, peer, held) end
  if not isSpent and present[peer] then return end
  if (isOpen or isSpent) and redis.call('HEXISTS', key, peer) == 1 then return end
  put(key, peer, held)
end
-- Another process of this replica had spent more than this one knows of: that stays spent.
local function remember(key, old, spent)
  local said = redis.call('HGET', key, '$' .. replica) or (old ~= key and redis.call('HGET', old, '$' .. replica))
  local before, by = string.match(said or '', '^(%d+) (.*)$')
  if before and by ~= process and tonumber(before) > spent then
    put(key, replica .. '^', number(key, replica .. '^') + tonumber(before) - spent)
  end
  redis.call('HSET', key, '$' .. replica, whole(spent) .. ' ' .. process)
end
local at = 4
for counter = 4, #KEYS, 2 do
  local key, old = KEYS[counter], KEYS[counter + 1]
  local kind = ARGV[at]
  local own = holder(kind)
  if isLost(key, own, 0) then return lose() end
  local held = tonumber(ARGV[at + 1])
  if held then put(key, own, held) end
  if held and kind == 'budget' then remember(key, old, tonumber(ARGV[at + 6])) end
  local peers = tonumber(ARGV[at + 7])
  if kind == 'rate' then
    local before = number(key, 't')
    if old ~= key then before = math.max(before, number(old, 't')) end
    local ahead = math.max(before, nowUs + tonumber(ARGV[at + 3]))
    redis.call('HSET', key, 't', whole(math.max(ahead, arrival(key, tonumber(ARGV[at + 4])))))
  else
    if held then idle(key, own, tonumber(ARGV[at + 2])) end
    for peer = 1, peers do inherit(key, ARGV[at + 6 + peer * 2], tonumber(ARGV[at + 7 + peer * 2])) end
    if old ~= key and kind == 'budget' then
      local kept = redis.call('HGETALL', old)
      for field = 1, #kept, 2 do
        if isReplica(kept[field]) then inherit(key, kept[field], tonumber(kept[field + 1])) end
      end
    end
  end
  keep(key, ARGV[at + 5])
  at = at + 8 + peers * 2
end
return { 'ok' }
`

/** A replica has published all that it holds. The epoch opens when all have, or when those that have not are dead. */
export const DONE = `${PRELUDE}
-- KEYS meta members known expected done; ARGV epoch replica session grace in ms
local wrong = problem(true)
if wrong then return { wrong } end
redis.call('HSET', KEYS[2], 't:' .. replica, whole(nowMs))
if redis.call('HGET', KEYS[1], 'state') == 'open' then return { 'ok' } end
redis.call('SADD', KEYS[5], replica)
local missing = redis.call('SDIFF', KEYS[4], KEYS[5])
if #missing > 0 and nowMs - number(KEYS[1], 'since') < tonumber(ARGV[4]) then return { 'rebuilding' } end
redis.call('HSET', KEYS[1], 'state', 'open')
redis.call('DEL', KEYS[4], KEYS[5])
return { 'ok' }
`

/** One admission: takes from every counter or from none, and a little more where the limit is far away. */
export const TAKE = `${PRELUDE}
-- KEYS meta members known then counter...
-- ARGV epoch replica session, replicas, ms until one counts as dead, channel,
--   then (kind, told, need, want, limit, unit in us, ttl in ms)...
local wrong = problem(false)
if wrong then return { wrong } end
local replicas, deadAfter = tonumber(ARGV[4]), tonumber(ARGV[5])

local function isDead(other)
  local seen = redis.call('HGET', KEYS[2], 't:' .. other)
  return not seen or nowMs - tonumber(seen) > deadAfter
end
-- A replica, and of its processes another than the present one (or, of a budget, none is named).
local function isGone(field)
  local other, its = string.match(field, '^(.*)/(.*)$')
  if not other then return isDead(field) end
  return isDead(other) or redis.call('HGET', KEYS[2], 'p:' .. other) ~= its
end
-- What dead replicas have borrowed of what comes back by itself. A rate has counted it as used already. One that was only asleep
-- has no session any more, and says anew what it holds.
local function bury(key)
  local held = redis.call('HGETALL', key)
  for at = 1, #held, 2 do
    local field = held[at]
    if isReplica(field) and isGone(field) then
      local other = string.match(field, '^(.*)/')
      put(key, field, 0)
      redis.call('HDEL', key, field, '~' .. field)
      if other and other ~= replica and isDead(other) then redis.call('HDEL', KEYS[2], 's:' .. other) end
    end
  end
end
-- What others have borrowed and not used, and what else of theirs may come back: what is being answered, or has ended and is not told.
local function lentToOthers(key, kind)
  local lent, inUse, own = 0, 0, holder(kind)
  local held = redis.call('HGETALL', key)
  local of = {}
  for at = 1, #held, 2 do of[held[at]] = held[at + 1] end
  for field, amount in pairs(of) do
    if isReplica(field) and field ~= own and not isGone(field) then
      local unused = tonumber(kind == 'rate' and amount or of['~' .. field] or '0')
      local spent = tonumber(string.match(of['$' .. field] or '', '^%d+') or '0')
      lent = lent + unused
      inUse = inUse + math.max(0, tonumber(amount) - unused - spent)
    end
  end
  return lent, inUse
end

local rooms = {}
for counter = 4, #KEYS do
  local key, at = KEYS[counter], 7 + (counter - 4) * 7
  local kind, need, limit, unitUs = ARGV[at], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if isLost(key, holder(kind), tonumber(ARGV[at + 1])) then return lose() end
  local function room()
    if kind == 'rate' then return math.floor((nowUs + limit * unitUs - arrival(key, unitUs)) / unitUs + 0.000001) end
    return limit - number(key, '#')
  end
  local left = room()
  if left < need and kind ~= 'budget' then
    bury(key)
    left = room()
  end
  if left < need then
    local lent, inUse = lentToOthers(key, kind)
    if lent + inUse > 0 then redis.call('PUBLISH', ARGV[6], 'recall ' .. key) end
    local wait = 0
    if kind == 'rate' then wait = arrival(key, unitUs) + need * unitUs - limit * unitUs - nowUs end
    return { 'no', counter - 4, whole(math.max(0, wait)), whole(lent), whole(inUse) }
  end
  rooms[counter] = left
end
local answer = { 'ok' }
for counter = 4, #KEYS do
  local key, at = KEYS[counter], 7 + (counter - 4) * 7
  local kind, need, want, unitUs = ARGV[at], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 5])
  -- Ahead of need only a small share of what is left: so leases shrink as the limit comes near, to nothing.
  local ahead = math.min(want, math.floor((rooms[counter] - need) / (8 * replicas)))
  if ahead < math.max(need, 2) then ahead = 0 end
  local taken = need + ahead
  if taken > 0 then
    if kind == 'rate' then
      redis.call('HSET', key, 't', whole(math.ceil(arrival(key, unitUs) + taken * unitUs)))
    elseif ahead > 0 then
      redis.call('HINCRBY', key, '~' .. holder(kind), whole(ahead))
    end
    redis.call('HINCRBY', key, holder(kind), whole(taken))
    redis.call('HINCRBY', key, '#', whole(taken))
    keep(key, ARGV[at + 6])
  end
  answer[#answer + 1] = whole(taken)
  answer[#answer + 1] = whole(rooms[counter] - taken)
end
return answer
`

/**
 * Changes what a replica holds; what comes back to a rate moves that back, what is owed moves it on. Changes are differences, so that
 * admissions may be on their way at the same time; that none is done twice is what sessions are for.
 */
export const SYNC = `${PRELUDE}
-- KEYS meta members known then counter...
-- ARGV epoch replica session then (kind, told, change, idle, back, unit in us, ttl in ms, spent)...
local wrong = problem(false)
if wrong then return { wrong } end
local answer = { 'ok' }
for counter = 4, #KEYS do
  local at = 4 + (counter - 4) * 8
  if isLost(KEYS[counter], holder(ARGV[at]), tonumber(ARGV[at + 1])) then return lose() end
end
for counter = 4, #KEYS do
  local key, at = KEYS[counter], 4 + (counter - 4) * 8
  local kind, change = ARGV[at], ARGV[at + 2]
  local back, unitUs = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local ahead = math.ceil(arrival(key, unitUs) - back * unitUs)
  if change ~= '0' then
    redis.call('HINCRBY', key, holder(kind), change)
    redis.call('HINCRBY', key, '#', change)
  end
  if kind == 'rate' then
    redis.call('HSET', key, 't', whole(math.max(ahead, nowUs)))
    answer[#answer + 1] = whole(arrival(key, unitUs) - nowUs)
  else
    idle(key, holder(kind), tonumber(ARGV[at + 3]))
    if kind == 'budget' then redis.call('HSET', key, '$' .. replica, ARGV[at + 7] .. ' ' .. process) end
    answer[#answer + 1] = redis.call('HGET', key, '#') or '0'
  end
  keep(key, ARGV[at + 6])
end
return answer
`

/** Shows that a replica lives, and tells it who else does. */
export const BEAT = `${PRELUDE}
-- KEYS meta members known; ARGV epoch replica session, ms until one counts as dead
local wrong = problem(false)
if wrong then return { wrong } end
if not redis.call('ZSCORE', KEYS[3], 'there') then return lose() end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', nowMs)
redis.call('HSET', KEYS[2], 't:' .. replica, whole(nowMs))
local answer = { 'ok', redis.call('HGET', KEYS[1], 'changes') or '0', redis.call('HGET', KEYS[1], 'log') or '' }
local members = redis.call('HGETALL', KEYS[2])
for at = 1, #members, 2 do
  if string.sub(members[at], 1, 2) == 't:' and nowMs - tonumber(members[at + 1]) <= tonumber(ARGV[4]) then
    answer[#answer + 1] = string.sub(members[at], 3)
  end
end
return answer
`

/** What each replica holds of counters: kept by the others for the case that the store loses it. */
export const HOLDINGS = `
local answer = {}
for counter = 1, #KEYS do answer[counter] = redis.call('HGETALL', KEYS[counter]) end
return answer
`

/** A replica is gone for good or for a while; what it still holds is what it has spent. */
export const LEAVE = `${PRELUDE}
-- KEYS meta members; ARGV epoch replica session, name
if problem(true) then return { 'ok' } end
redis.call('HDEL', KEYS[2], 's:' .. replica, 't:' .. replica, 'p:' .. replica, 'n:' .. ARGV[4])
return { 'ok' }
`

/** Tells all replicas of a change, and keeps it for those that do not hear it now. */
export const NOTICE = `
-- KEYS meta notices; ARGV channel, text, how many are kept
local number = redis.call('HINCRBY', KEYS[1], 'changes', 1)
redis.call('RPUSH', KEYS[2], number .. ' ' .. ARGV[2])
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[3]), -1)
redis.call('PUBLISH', ARGV[1], 'notice ' .. number .. ' ' .. ARGV[2])
return number
`
