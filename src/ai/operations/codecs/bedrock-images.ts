import { GatewayError } from '../../../core/index.ts'
import type { OperationCodec } from '../codec.ts'
import { picturesAnswer, readPictureRequest } from './images.ts'

/** OpenAI's words for quality, in Amazon's. */
const QUALITIES: Readonly<Record<string, string>> = {
  standard: 'standard',
  low: 'standard',
  medium: 'standard',
  auto: 'standard',
  hd: 'premium',
  high: 'premium',
}
const MOST_PICTURES = 5

/** `InvokeModel` of Nova Canvas and Titan Image (Amazon Bedrock user guide, "Amazon Nova Canvas", request and response). */
export const bedrockImages: OperationCodec = (request, context) => {
  const read = readPictureRequest(request, context, 'quality')
  if (read instanceof GatewayError) return read
  const { prompt, count, size } = read
  if (count > MOST_PICTURES) {
    return new GatewayError('invalid_request', `This model draws at most ${MOST_PICTURES} pictures at once.`, {
      param: 'n',
    })
  }
  const quality = typeof request['quality'] === 'string' ? QUALITIES[request['quality']] : undefined
  if (request['quality'] !== undefined && quality === undefined) context.losses.drop('quality')
  return {
    body: {
      taskType: 'TEXT_IMAGE',
      textToImageParams: { text: prompt },
      imageGenerationConfig: {
        numberOfImages: count,
        ...(size === null ? {} : { width: size.width, height: size.height }),
        ...(quality === undefined ? {} : { quality }),
      },
    },
    decode(answer) {
      const { images, error } = answer
      if (typeof error === 'string' && error !== '') {
        return new GatewayError('upstream_rejected', `The upstream did not draw it: ${error.slice(0, 300)}`)
      }
      return picturesAnswer(Array.isArray(images) ? images : [], context)
    },
  }
}
