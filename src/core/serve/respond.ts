import type { RouteConfig } from '../../config/index.ts'
import type { Hook } from '../phases.ts'
import { answer } from '../respond/answer.ts'
import { compileTemplate } from '../routes/template.ts'

export type RespondConfig = NonNullable<RouteConfig['respond']>

const MARKUP = /^(?:text\/html|(?:text|application)\/(?:[a-z0-9.-]+\+)?xml|image\/svg\+xml)\b/i
const JSON_TYPE = /^application\/(?:[a-z0-9.-]+\+)?json\b/i

/** The handler of a route with `respond`. Throws a RangeError for an unknown placeholder. */
export function createRespond(config: RespondConfig): Hook {
  const body = compileTemplate(config.body, safeFor(config.content_type))
  return (x) => {
    answer(x, config.status, config.content_type, body(x))
    return null
  }
}

/** What a client sent must not become markup, or end a text, in an answer that others may be shown. */
function safeFor(contentType: string): ((value: string) => string) | null {
  if (MARKUP.test(contentType)) return (value) => value.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
  if (JSON_TYPE.test(contentType)) return (value) => JSON.stringify(value).slice(1, -1)
  return null
}
