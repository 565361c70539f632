import { GatewayError } from '../../../core/index.ts'
import type { OperationCodec } from '../codec.ts'
import { inside, tokenCount } from './embeddings.ts'
import { nearestRatio, picturesAnswer, readPictureRequest } from './images.ts'

/** Shapes of Imagen's pictures (Gemini API, "Generate images using Imagen"). */
const RATIOS = ['1:1', '3:4', '4:3', '9:16', '16:9']
const MORE_RATIOS = [...RATIOS, '2:3', '3:2', '4:5', '5:4', '21:9']

/** `:predict` of an Imagen model, on the Gemini API and on Vertex AI. */
export const imagenImages: OperationCodec = (request, context) => {
  const read = readPictureRequest(request, context)
  if (read instanceof GatewayError) return read
  const { prompt, count, size } = read
  // A shape is chosen there, and pixels by the model.
  if (size !== null) context.losses.adapt('size')
  return {
    body: {
      instances: [{ prompt }],
      parameters: { sampleCount: count, ...(size === null ? {} : { aspectRatio: nearestRatio(size, RATIOS) }) },
    },
    decode(answer) {
      const { predictions } = answer
      const pictures = Array.isArray(predictions)
        ? predictions.map((entry: unknown) => inside(entry, 'bytesBase64Encoded'))
        : []
      return picturesAnswer(pictures, context)
    },
  }
}

/** `:generateContent` of a Gemini model that draws: one picture for each request. */
export const geminiImages: OperationCodec = (request, context) => {
  const read = readPictureRequest(request, context)
  if (read instanceof GatewayError) return read
  const { prompt, count, size } = read
  if (count > 1) {
    return new GatewayError('invalid_request', 'This model draws one picture for each request; set "n" to 1.', {
      param: 'n',
    })
  }
  if (size !== null) context.losses.adapt('size')
  return {
    body: {
      contents: [{ role: 'user', parts: [{ text: prompt }] }],
      generationConfig: {
        responseModalities: ['TEXT', 'IMAGE'],
        ...(size === null ? {} : { imageConfig: { aspectRatio: nearestRatio(size, MORE_RATIOS) } }),
      },
    },
    decode(answer) {
      const parts = inside(Array.isArray(answer['candidates']) ? answer['candidates'][0] : null, 'content', 'parts')
      const pictures = Array.isArray(parts) ? parts.map((part: unknown) => inside(part, 'inlineData', 'data')) : []
      const input = tokenCount(inside(answer, 'usageMetadata', 'promptTokenCount'))
      const output = tokenCount(inside(answer, 'usageMetadata', 'candidatesTokenCount')) ?? 0
      const usage =
        input === null
          ? null
          : {
              input_tokens: input,
              output_tokens: output,
              total_tokens: input + output,
              input_tokens_details: { text_tokens: input, image_tokens: 0 },
              output_tokens_details: { text_tokens: 0, image_tokens: output },
            }
      return picturesAnswer(pictures, context, usage)
    },
  }
}
