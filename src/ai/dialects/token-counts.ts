import type { JsonObject } from '../ir/json.ts'
import type { ModelRequest } from '../ir/request.ts'
import type { EncodeContext, RequestContext } from './dialect.ts'

/** How a dialect asks how many tokens a request has, and answers it. */
export interface TokenCountDialect {
  /** The kinds of providers that count, of those that speak the dialect; absent: all. */
  readonly kinds?: ReadonlySet<string>
  decodeRequest(body: JsonObject, context: RequestContext): ModelRequest
  encodeAnswer(tokens: number): JsonObject
  /** The path for it, from the path of the model's answers. */
  path(path: string): string
  encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject
  /**
   * A client's own body for this path of the vendor's, with every member that it has; null where the path takes another form.
   * Absent: only its model changes.
   */
  readonly ownBody?: (body: JsonObject, model: string, path: string) => JsonObject | null
  /** The same at a cloud that has the vendor's models under paths of its own; absent: as everywhere. */
  readonly atPath?: (body: JsonObject, path: string) => JsonObject
  /** Null when the answer does not say it. */
  decodeAnswer(body: JsonObject): number | null
}
