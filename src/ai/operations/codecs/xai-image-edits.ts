import { GatewayError } from '../../../core/index.ts'
import { sniffedType } from '../../media/sniffed-type.ts'
import type { FormCodec } from '../codec.ts'

/** Fields that both know ("Image editing", REST reference, 2026-11); `n` is a number there. */
const KNOWN: ReadonlySet<string> = new Set(['prompt', 'n', 'response_format', 'aspect_ratio', 'resolution', 'user'])
const IMAGES = /^images?(?:\[\d*\])?$/

/** A form of OpenAI's for changed pictures as xAI takes it: JSON, with the pictures in it. */
export const xaiImageEdits: FormCodec = (parts, { model, losses }) => {
  const fields: Record<string, unknown> = {}
  const images: unknown[] = []
  for (const { name, isFile, bytes, mediaType } of parts) {
    if (name === 'mask') {
      return new GatewayError('invalid_request', 'This model takes no mask.', { param: 'mask' })
    }
    if (isFile && IMAGES.test(name)) {
      const said = mediaType?.startsWith('image/') === true ? mediaType : 'image/png'
      images.push({ type: 'image_url', url: `data:${sniffedType(bytes, said)};base64,${bytes.toString('base64')}` })
    } else if (isFile || !(KNOWN.has(name) || name === 'model')) losses.drop(name)
    else fields[name] = name === 'n' ? Number(bytes.toString()) : bytes.toString()
  }
  const [image] = images
  if (image === undefined) return new GatewayError('invalid_request', 'The form has no picture.', { param: 'image' })
  return { ...fields, model, ...(images.length === 1 ? { image } : { images }) }
}
