import type { RequestRecord } from '../storage/index.ts'
import { isPlain } from './json-text.ts'
import { encodePacked, encodeRecord, encodeValues, MAX_RECORD_TEXT } from './record.ts'

/** What stays the same from one request of a key to the next, as JSON text with names and without. */
interface Fixed {
  readonly of: RequestRecord
  /** From `worker` to `upstream`. */
  readonly middle: string
  /** From `price_rule` to the last, with rare counters that are all zero. */
  readonly end: string
  readonly packedKey: string
  readonly packedMiddle: string
  /** The same, and both brackets. */
  readonly packedEnd: string
}

const MAX_FIXED = 256

/**
 * Encodes records as `encodeRecord` and `encodePacked` do, and remembers for each key the text of the fields that seldom
 * change: names, address, path. A request that succeeded and differs from the key's last one in numbers and ids only
 * then costs half (bench/micro/record.ts). One per thread.
 */
export class RecordEncoder {
  readonly #byKey = new Map<string, Fixed>()
  /** Of the last record without a key: of a route that asks for none. Its path is another with almost every request. */
  #keyless: Fixed | null = null

  /** The line of the access log, without the braces around it: others go before it, and behind. */
  members(r: RequestRecord): string {
    const fixed = this.#fixed(r)
    if (fixed === null) return encodeRecord(r).slice(1, -1)
    return `"id":"${r.id}","client_request_id":null,"trace_id":"${r.trace_id}","time":${r.time},${fixed.middle}"status":${r.status},"outcome":"success","error_code":null,"error_source":null,"attempts":${r.attempts},"stream":${r.stream},"cancelled":${r.cancelled},"queue_us":${r.queue_us},"first_byte_us":${r.first_byte_us},"total_us":${r.total_us},"bytes_in":${r.bytes_in},"bytes_out":${r.bytes_out},"input_tokens":${r.input_tokens},"cache_read_tokens":${r.cache_read_tokens},"cache_write_tokens":${r.cache_write_tokens},"output_tokens":${r.output_tokens},"reasoning_tokens":${r.reasoning_tokens},"usage_source":"${r.usage_source}","cost_nanos":${r.cost_nanos},${fixed.end}`
  }

  /** The record's part of a journal entry. */
  pack(r: RequestRecord): string {
    const fixed = this.#fixed(r)
    if (fixed === null) return encodePacked(r)
    return `["${r.id}",${fixed.packedKey},[null,"${r.trace_id}",${r.time},${fixed.packedMiddle}${r.status},"success",null,null,${r.attempts},${r.stream},${r.cancelled},${r.queue_us},${r.first_byte_us},${r.total_us},${r.bytes_in},${r.bytes_out},${r.input_tokens},${r.cache_read_tokens},${r.cache_write_tokens},${r.output_tokens},${r.reasoning_tokens},"${r.usage_source}",${r.cost_nanos},${fixed.packedEnd}`
  }

  #fixed(r: RequestRecord): Fixed | null {
    const key = r.key_id
    if (r.outcome !== 'success' || r.client_request_id !== null || hasRareCounters(r)) return null
    if (key === null) {
      const last = this.#keyless
      if (last !== null && isSame(last.of, r)) return last
      this.#keyless = keylessOf(r)
      return this.#keyless
    }
    const fixed = this.#byKey.get(key)
    return fixed !== undefined && isSame(fixed.of, r) ? fixed : this.#remember(key, r)
  }

  #remember(key: string, r: RequestRecord): Fixed {
    const text = encodeRecord(r)
    const start = text.indexOf('"worker":')
    // Names are quoted in values, so that this can only be the field itself.
    const end = text.indexOf('"status":', start)
    const last = text.lastIndexOf('"price_rule":')
    const names = [r.worker, r.client_address, r.method, r.path, r.route, r.run_id]
    const models = [r.model_requested, r.model_served, r.provider, r.upstream]
    const levels = [r.organization, r.team, r.project, r.user]
    const policies = [r.policy, r.policy_version]
    const said = [r.session, r.end_user, r.tags]
    const fixed: Fixed = {
      of: r,
      middle: text.slice(start, end),
      end: text.slice(last, -1),
      packedKey: encodeValues([key]).slice(1, -1),
      packedMiddle: `${encodeValues([...names, ...models]).slice(1, -1)},`,
      packedEnd: `${encodeValues([r.price_rule]).slice(1, -1)},${RARE_ZEROS},${encodeValues([r.translation, r.attempt_history, r.variant, ...levels, null, ...policies, ...said]).slice(1)}]`,
    }
    if (this.#byKey.size >= MAX_FIXED) this.#byKey.clear()
    this.#byKey.set(key, fixed)
    return fixed
  }
}

/** From `cache_write_1h_tokens` to `unit`, as nearly every request has them. */
const RARE_ZEROS = '0,0,0,0,0,0,0,null'
const KEYLESS_END =
  '"price_rule":null,"cache_write_1h_tokens":0,"audio_input_tokens":0,"audio_output_tokens":0,"image_input_tokens":0,"image_output_tokens":0,"web_searches":0,"units":0,"unit":null,"translation":null,"attempt_history":null,"variant":null,"organization":null,"team":null,"project":null,"user":null,"budget_events":null,"policy":null,"policy_version":null,"session":null,"end_user":null,"tags":null'

function hasRareCounters(r: RequestRecord): boolean {
  const pictures = r.image_input_tokens + r.image_output_tokens + r.units
  const sounds = r.audio_input_tokens + r.audio_output_tokens
  return (
    pictures + sounds + r.cache_write_1h_tokens + r.web_searches !== 0 || r.unit !== null || r.budget_events !== null
  )
}

/** The texts of a record that has neither key nor model, made without a look at the rest; null when they need care. */
function keylessOf(r: RequestRecord): Fixed | null {
  if (r.run_id !== null || r.price_rule !== null || r.provider !== null || r.translation !== null) return null
  if (r.attempt_history !== null || r.variant !== null) return null
  if (r.organization !== null || r.team !== null || r.project !== null || r.user !== null) return null
  if (r.policy !== null || r.policy_version !== null) return null
  if (r.session !== null || r.end_user !== null || r.tags !== null) return null
  if (r.model_requested !== null || r.model_served !== null) return null
  const address = quoted(r.client_address)
  const method = quoted(r.method)
  const path = quoted(r.path)
  const route = quoted(r.route)
  const upstream = quoted(r.upstream)
  if (address === null || method === null || path === null || route === null || upstream === null) return null
  return {
    of: r,
    middle: `"worker":${r.worker},"client_address":${address},"method":${method},"path":${path},"route":${route},"key_id":null,"run_id":null,"model_requested":null,"model_served":null,"provider":null,"upstream":${upstream},`,
    end: KEYLESS_END,
    packedKey: 'null',
    packedMiddle: `${r.worker},${address},${method},${path},${route},null,null,null,null,${upstream},`,
    packedEnd: `null,${RARE_ZEROS},null,null,null,null,null,null,null,null,null,null,null,null,null]]`,
  }
}

/** A value as JSON, or null when quotes around it are not all that it takes. */
function quoted(text: string | null): string | null {
  if (text === null) return 'null'
  if (text.length > MAX_RECORD_TEXT || !isPlain(text) || text.includes('"') || text.includes('\\')) return null
  return `"${text}"`
}

function isSame(a: RequestRecord, b: RequestRecord): boolean {
  return (
    a.path === b.path &&
    a.client_address === b.client_address &&
    a.model_requested === b.model_requested &&
    a.model_served === b.model_served &&
    a.provider === b.provider &&
    a.upstream === b.upstream &&
    a.price_rule === b.price_rule &&
    a.translation === b.translation &&
    a.attempt_history === b.attempt_history &&
    a.variant === b.variant &&
    a.organization === b.organization &&
    a.team === b.team &&
    a.project === b.project &&
    a.user === b.user &&
    a.policy === b.policy &&
    a.policy_version === b.policy_version &&
    a.session === b.session &&
    a.end_user === b.end_user &&
    a.tags === b.tags &&
    a.route === b.route &&
    a.method === b.method &&
    a.run_id === b.run_id &&
    a.worker === b.worker
  )
}
