import type { Candidate, Exchange } from '../core/index.ts'
import type { SaidInBody } from '../governance/index.ts'
import { readJson, skipValue, walkMembers } from '../lib/index.ts'
import { CountCandidate } from './counting/count-candidate.ts'
import { isObject } from './ir/json.ts'
import { ModelTarget } from './models/target.ts'
import { forwardStateOf } from './operations/forward/forward-state.ts'
import { operationStateOf } from './operations/operation-state.ts'

/** Where requests say who is at the other end, and which conversation they belong to: headers first, then members of the body. */
const PLACES = {
  session: { headers: ['x-ferro-session', 'x-session-id'], members: [['session_id'], ['metadata', 'session_id']] },
  end_user: { headers: ['x-ferro-end-user'], members: [['safety_identifier'], ['user'], ['metadata', 'user_id']] },
} as const

const OPENING_BRACE = 0x7b

/** What rules ask of a request for a model: what it says, or which model of which provider the attempt goes to. */
export function saidInBody(x: Exchange, candidate: Candidate, what: SaidInBody): string | null {
  switch (what) {
    case 'model':
      return targetOf(x, candidate)?.model ?? null
    case 'provider':
      return targetOf(x, candidate)?.provider ?? forwardStateOf(x)?.provider.upstream.name ?? null
    default: {
      const { headers, members } = PLACES[what]
      for (const name of headers) {
        const text = x.head.get(name)
        if (text !== null && text !== '') return text
      }
      for (const path of members) {
        const text = memberText(x.body, path)
        if (text !== null && text !== '') return text
      }
      return null
    }
  }
}

function targetOf(x: Exchange, candidate: Candidate): ModelTarget | null {
  if (candidate instanceof ModelTarget) return candidate
  if (candidate instanceof CountCandidate) return candidate.target
  return operationStateOf(x)?.target ?? forwardStateOf(x)?.target ?? null
}

/** A text in a body of JSON that was found to be whole; null where it stands not. */
function memberText(body: Buffer | null, [name, within]: readonly [string, string?]): string | null {
  if (body === null) return null
  const start = body.indexOf(OPENING_BRACE)
  // A form is no JSON.
  if (start < 0 || body.toString('latin1', 0, start).trim() !== '') return null
  let found: unknown
  walkMembers(body, start, (at, keyStart, keyEnd) => {
    const end = skipValue(body, at)
    if (body.toString('utf8', keyStart, keyEnd) === name) found = readJson(body, at, end)
    return end
  })
  const value = within === undefined ? found : isObject(found) ? found[within] : undefined
  return typeof value === 'string' ? value : null
}
