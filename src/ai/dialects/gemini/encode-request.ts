import type { JsonObject } from '../../ir/json.ts'
import type { ModelRequest } from '../../ir/request.ts'
import { reportUncarried } from '../carried.ts'
import type { EncodeContext } from '../dialect.ts'
import { CARRIES } from './carries.ts'
import { encodeParameters } from './encode-config.ts'
import { encodeContents } from './encode-contents.ts'
import { encodeTools } from './encode-tools.ts'

/** The body of `generateContent`. The model and whether to stream are in the path. */
export function encodeRequest(request: ModelRequest, context: EncodeContext): JsonObject {
  reportUncarried(request, 'gemini', CARRIES, context.losses)
  const { systemInstruction, contents } = encodeContents(request, context)
  return {
    ...(request.dialect === 'gemini' ? request.extra : undefined),
    contents,
    ...(systemInstruction !== undefined && { systemInstruction }),
    ...encodeTools(request, context),
    ...encodeParameters(request, context),
  }
}
