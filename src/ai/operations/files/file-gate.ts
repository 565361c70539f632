import type { ConfigDocument } from '../../../config/index.ts'
import { type Exchange, type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { boundaryOf } from '../multipart/part-scanner.ts'
import { BatchLines } from './batch-lines.ts'
import { FileUpload } from './file-upload.ts'
import { withPlainIds } from './references.ts'

export interface UploadTo {
  readonly registry: ModelRegistry
  readonly document: ConfigDocument
  /** Name of the provider that will keep it. */
  readonly name: string
  readonly provider: ProviderUpstream
  /** False: no file is for batches there. */
  readonly batches?: boolean
}

/** Begins to read a file that a client sends; `inspect` is asked again, with it in `x.surface`, when it is known what it is for. */
export function startUpload(
  x: Exchange,
  { registry, document, name, provider, batches = true }: UploadTo,
): ReturnType<Gate> {
  const { head } = x
  const boundary = boundaryOf(head.contentType)
  const limit = document.limits.body
  if (boundary === null) {
    const message = 'The body must be a form: send Content-Type: multipart/form-data with one boundary.'
    return new GatewayError('unsupported_media_type', message)
  }
  if (head.contentEncoding !== null && head.contentEncoding.toLowerCase() !== 'identity') {
    return new GatewayError('unsupported_media_type', 'A compressed form is not taken; send it uncompressed.')
  }
  if (head.contentLength > limit) {
    return new GatewayError('request_too_large', `The body is larger than the limit of ${limit} bytes.`)
  }
  if (!head.chunked && head.contentLength <= 0) return new GatewayError('invalid_request', 'The form has no body.')
  if (head.expect !== null) {
    if (head.expect.toLowerCase() !== '100-continue') {
      return new GatewayError('expectation_failed', 'The only expectation taken is "100-continue".')
    }
    x.client.askForBody()
  }
  const { bytesPerToken, outputTokens, webSearches } = registry.reservation
  const lines = new BatchLines({
    registry,
    principal: principalOf(x),
    provider: name,
    nameOf: provider.nameOf,
    modelInJob: provider.kind === 'mistral',
    bytesPerToken,
    outputTokens,
    webSearches,
    atMs: x.time,
    refer: withPlainIds,
  })
  const upload = new FileUpload(x, { boundary, limit, lines, purpose: batches ? null : '' })
  x.surface = upload
  x.upload = upload
  x.watched = upload
  x.client.readBody(upload)
  return WAIT
}
