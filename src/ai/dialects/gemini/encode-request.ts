import type { JsonObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'
import type { EncodeContext } from '../dialect.ts'
import { encodeParameters } from './encode-config.ts'
import { encodeContents } from './encode-contents.ts'
import { encodeTools } from './encode-tools.ts'

/** The body of `generateContent`. The model and whether to stream are in the path. */
export function encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject {
  const { systemInstruction, contents } = encodeContents(request, context)
  return {
    ...ownMembers(request, context),
    contents,
    ...(systemInstruction !== undefined && { systemInstruction }),
    ...encodeTools(request, context),
    ...encodeParameters(request, context),
  }
}

function ownMembers({ dialect, extra }: ModelRequest, { losses }: EncodeContext): JsonObject | undefined {
  if (extra === undefined) return undefined
  if (dialect === 'gemini') return extra
  losses.dropAll('', extra)
  return undefined
}
