/*
 * What OpenAI takes at its endpoints that hold no conversation, written from the API reference (2026-11): every member
 * that is not in it is refused, and so is a null.
 */
import { anything, boolean, either, list, members, number, object, type Shape, text, whole, words } from '../shape.ts'

const audioFormat = words('mp3', 'opus', 'aac', 'flac', 'wav', 'pcm')

export const JSON_SHAPES: Readonly<Record<string, Shape>> = {
  '/embeddings': members(
    { model: text(1), input: either(text(1), either(list(text(1), 1), list(either(whole(0), list(whole(0), 1)), 1))) },
    { dimensions: whole(1), encoding_format: words('float', 'base64'), user: text() },
  ),
  '/images/generations': members(
    { prompt: text(1) },
    {
      model: text(1),
      n: whole(1),
      size: text(1),
      quality: text(1),
      style: words('vivid', 'natural'),
      response_format: words('url', 'b64_json'),
      background: text(1),
      output_format: words('png', 'jpeg', 'webp'),
      stream: boolean,
      partial_images: whole(0),
      user: text(),
    },
  ),
  '/audio/speech': members(
    { model: text(1), input: text(1), voice: either(text(1), object) },
    {
      instructions: text(),
      response_format: audioFormat,
      speed: number(0.25, 4),
      stream_format: words('sse', 'audio'),
    },
  ),
  '/moderations': members({ input: either(text(), list(anything, 1)) }, { model: text(1) }),
  '/rerank': members(
    { model: text(1), query: text(1), documents: list(text(), 1) },
    { top_n: whole(1), max_tokens_per_doc: whole(1) },
  ),
  '/batches': members(
    { input_file_id: text(1), endpoint: text(1), completion_window: words('24h') },
    { metadata: object, output_expires_after: object },
  ),
}

/** Fields of forms: those that must be there, and those that may. */
export const FORM_FIELDS: Readonly<
  Record<string, { readonly required: readonly string[]; readonly optional: readonly string[] }>
> = {
  '/audio/transcriptions': {
    required: ['file', 'model'],
    optional: [
      'language',
      'prompt',
      'response_format',
      'temperature',
      'stream',
      'timestamp_granularities[]',
      'include[]',
    ],
  },
  '/audio/translations': { required: ['file', 'model'], optional: ['prompt', 'response_format', 'temperature'] },
  '/images/edits': {
    required: ['image', 'prompt'],
    optional: ['model', 'mask', 'n', 'size', 'quality', 'response_format', 'background', 'user'],
  },
  '/images/variations': { required: ['image'], optional: ['model', 'n', 'size', 'response_format', 'user'] },
  '/files': { required: ['file', 'purpose'], optional: ['expires_after[anchor]', 'expires_after[seconds]'] },
}
