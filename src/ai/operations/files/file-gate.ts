import type { ConfigDocument } from '../../../config/index.ts'
import { type Exchange, type Gate, GatewayError, WAIT } from '../../../core/index.ts'
import { principalOf } from '../../../governance/index.ts'
import type { ModelRegistry } from '../../models/registry.ts'
import type { ProviderUpstream } from '../../providers/upstreams.ts'
import { beginForm } from '../multipart/form-head.ts'
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
  const limit = document.limits.body
  const boundary = beginForm(x, limit)
  if (boundary instanceof GatewayError) return boundary
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
  upload.body.start()
  return WAIT
}
