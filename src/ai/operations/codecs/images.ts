import { GatewayError } from '../../../core/index.ts'
import type { JsonObject } from '../../ir/json.ts'
import { wrongField } from '../../wrong-field.ts'
import type { CodecContext } from '../codec.ts'

/** A request for pictures (OpenAI's API reference, "Create image"). */
export interface PictureRequest {
  readonly prompt: string
  readonly count: number
  /** Pixels; null: as the model likes. */
  readonly size: { readonly width: number; readonly height: number } | null
}

/** Reads what is common; `known` are members that the caller carries itself. */
export function readPictureRequest(
  request: JsonObject,
  context: CodecContext,
  ...known: readonly string[]
): PictureRequest | GatewayError {
  const { prompt, n, size, response_format: format } = request
  if (typeof prompt !== 'string' || prompt === '') return wrongField('prompt', '"prompt" must be a non-empty string.')
  const count = n ?? 1
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1 || count > 10) {
    return wrongField('n', '"n" must be from 1 to 10.')
  }
  const pixels = /^(\d{2,5})x(\d{2,5})$/.exec(typeof size === 'string' ? size : '')
  if (size !== undefined && size !== 'auto' && pixels === null) {
    return wrongField('size', '"size" must be a width and a height, such as 1024x1024.')
  }
  // There is no place to fetch it from: the answer carries the picture itself.
  if (format === 'url') context.losses.adapt('response_format')
  const read = new Set(['model', 'prompt', 'n', 'size', 'response_format', ...known])
  for (const name of Object.keys(request)) if (!read.has(name)) context.losses.drop(name)
  return {
    prompt,
    count,
    size: pixels === null ? null : { width: Number(pixels[1]), height: Number(pixels[2]) },
  }
}

/** An answer of OpenAI's shape from pictures in base64. */
export function picturesAnswer(
  pictures: readonly unknown[],
  context: CodecContext,
  usage: JsonObject | null = null,
): JsonObject | GatewayError {
  const data = pictures.filter((picture) => typeof picture === 'string' && picture !== '')
  if (data.length === 0) {
    return new GatewayError(
      'upstream_invalid_response',
      'The upstream answered without a picture; it may have refused to draw it.',
    )
  }
  return {
    created: context.createdAt,
    data: data.map((picture) => ({ b64_json: picture })),
    ...(usage === null ? {} : { usage }),
  }
}

/** The one of these shapes (width by height) that is nearest to a size. */
export function nearestRatio(
  size: { readonly width: number; readonly height: number },
  ratios: readonly string[],
): string {
  const wanted = Math.log(size.width / size.height)
  const distance = (ratio: string) => {
    const [width = 1, height = 1] = ratio.split(':').map(Number)
    return Math.abs(Math.log(width / height) - wanted)
  }
  return ratios.reduce((best, ratio) => (distance(ratio) < distance(best) ? ratio : best))
}
