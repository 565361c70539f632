import type { BodyQuirks } from '../providers/endpoint.ts'
import { QuirkPatcher } from '../providers/quirk-patcher.ts'
import type { ProviderUpstream } from '../providers/upstreams.ts'
import type { FormCodec, OperationCodec } from './codec.ts'
import { bedrockEmbeddings } from './codecs/bedrock-embeddings.ts'
import { bedrockImages } from './codecs/bedrock-images.ts'
import { cohereEmbeddings } from './codecs/cohere-embeddings.ts'
import { deepinfraRerank } from './codecs/deepinfra-rerank.ts'
import { geminiEmbeddings } from './codecs/gemini-embeddings.ts'
import { geminiImages, imagenImages } from './codecs/google-images.ts'
import { nimRanking } from './codecs/nim-ranking.ts'
import { vertexEmbeddings } from './codecs/vertex-embeddings.ts'
import { xaiImageEdits } from './codecs/xai-image-edits.ts'
import type { Operation, OperationName } from './operation.ts'

/** How one kind of provider serves one operation. */
export interface Serving {
  /** Path on the provider's host. */
  readonly path: (provider: Pick<ProviderUpstream, 'root' | 'pathTo'>, model: string) => string
  /** Null: it speaks OpenAI's words, and requests are relayed. */
  readonly codec: OperationCodec | null
  /** Null: forms are passed on as they come. */
  readonly form: FormCodec | null
  /** `float`: it does not know, or refuses, `encoding_format`. */
  readonly vectors: 'any' | 'float'
  readonly patcher: QuirkPatcher | null
}

interface Row {
  readonly operation: OperationName
  /** Only models whose names match; absent: all. */
  readonly models?: RegExp
  /** Absent: the operation's own below the root. */
  readonly path?: (root: string, model: string) => string
  readonly codec?: OperationCodec
  readonly form?: FormCodec
  readonly vectors?: 'float'
  readonly quirks?: BodyQuirks
}

const like = (...operations: readonly OperationName[]): readonly Row[] => operations.map((operation) => ({ operation }))
const EMBEDDINGS = like('embeddings')
const IMAGES = like('images.generations')
const SOUND_IN = like('audio.transcriptions', 'audio.translations')
const EVERYTHING = like(
  'embeddings',
  'images.generations',
  'images.edits',
  'images.variations',
  'audio.speech',
  'audio.transcriptions',
  'audio.translations',
  'moderations',
  'rerank',
)

const segment = (model: string) => encodeURIComponent(model)
const googleModel = (method: string) => (root: string, model: string) =>
  `${root.replace(/\/openai$/, '')}/models/${segment(model)}:${method}`
/** The base URL of the kind is that of Google's endpoint for OpenAI's dialect. */
const vertexModel = (root: string, model: string) =>
  `${root.replace(/\/endpoints\/openapi$/, '')}/publishers/google/models/${segment(model.replace(/^google\//, ''))}:predict`
/** The base URL may be the host, or one of its versions. */
const cohereV2 = (name: string) => (root: string) => `${root.replace(/\/(?:v[12]|compatibility\/v1)$/, '')}/v2/${name}`
const bedrockModel = (_root: string, model: string) => `/model/${segment(model)}/invoke`

/** What each kind serves beyond conversations; the vendors' API references, 2026-11. Kinds that are missing serve nothing. */
const ROWS: Readonly<Record<string, readonly Row[]>> = {
  openai: like(
    'embeddings',
    'images.generations',
    'images.edits',
    'images.variations',
    'audio.speech',
    'audio.transcriptions',
    'audio.translations',
    'moderations',
  ),
  'openai-compatible': EVERYTHING,
  demo: like('embeddings', 'moderations'),
  litellm: EVERYTHING,
  vllm: [...EMBEDDINGS, ...SOUND_IN, { operation: 'rerank' }],
  'lm-studio': [{ operation: 'embeddings', vectors: 'float' }],
  'llama-cpp': [...EMBEDDINGS, { operation: 'rerank' }],
  'z-ai': [{ operation: 'embeddings', vectors: 'float' }, ...IMAGES],
  'azure-openai': like(
    'embeddings',
    'images.generations',
    'images.edits',
    'audio.speech',
    'audio.transcriptions',
    'audio.translations',
  ),
  'azure-foundry': EMBEDDINGS,
  cloudflare: EMBEDDINGS,
  databricks: EMBEDDINGS,
  fireworks: [...EMBEDDINGS, ...SOUND_IN, { operation: 'rerank' }],
  'hugging-face': EMBEDDINGS,
  novita: EMBEDDINGS,
  ollama: [{ operation: 'embeddings', vectors: 'float' }],
  'ollama-cloud': [{ operation: 'embeddings', vectors: 'float' }],
  openrouter: EMBEDDINGS,
  qwen: [{ operation: 'embeddings', vectors: 'float' }],
  sambanova: [...EMBEDDINGS, ...SOUND_IN],
  groq: [...SOUND_IN, { operation: 'audio.speech' }],
  xai: [...IMAGES, { operation: 'images.edits', form: xaiImageEdits }],
  mistral: [
    {
      operation: 'embeddings',
      vectors: 'float',
      quirks: { rename: { dimensions: 'output_dimension' }, drop: ['user'] },
    },
    { operation: 'moderations' },
    { operation: 'audio.transcriptions' },
    { operation: 'audio.speech' },
  ],
  'nvidia-nim': [
    { operation: 'embeddings', vectors: 'float' },
    { operation: 'rerank', path: (root) => `${root}/ranking`, codec: nimRanking },
  ],
  deepinfra: [
    { operation: 'embeddings', vectors: 'float' },
    ...IMAGES,
    ...SOUND_IN,
    { operation: 'audio.speech' },
    {
      operation: 'rerank',
      path: (root, model) => `${root.replace(/\/openai$/, '')}/inference/${model.split('/').map(segment).join('/')}`,
      codec: deepinfraRerank,
    },
  ],
  together: [
    { operation: 'embeddings', vectors: 'float' },
    ...IMAGES,
    ...SOUND_IN,
    { operation: 'audio.speech' },
    { operation: 'rerank' },
  ],
  cohere: [
    { operation: 'embeddings', path: cohereV2('embed'), codec: cohereEmbeddings },
    { operation: 'rerank', path: cohereV2('rerank') },
  ],
  gemini: [
    { operation: 'embeddings', path: googleModel('batchEmbedContents'), codec: geminiEmbeddings },
    { operation: 'images.generations', models: /^imagen-/, path: googleModel('predict'), codec: imagenImages },
    { operation: 'images.generations', path: googleModel('generateContent'), codec: geminiImages },
  ],
  'vertex-ai': [
    { operation: 'embeddings', path: vertexModel, codec: vertexEmbeddings },
    { operation: 'images.generations', models: /^(?:google\/)?imagen-/, path: vertexModel, codec: imagenImages },
  ],
  bedrock: [
    { operation: 'embeddings', path: bedrockModel, codec: bedrockEmbeddings },
    { operation: 'images.generations', path: bedrockModel, codec: bedrockImages },
  ],
}

interface Compiled {
  readonly models: RegExp | null
  readonly serving: Serving
}

const compiled = new Map<string, readonly Compiled[]>()

/** How a kind of provider serves an operation with this model; null when it does not. */
export function servingOf(kind: string, operation: Operation, model: string): Serving | null {
  const key = `${kind} ${operation.name}`
  let rows = compiled.get(key)
  if (rows === undefined) {
    rows = (ROWS[kind] ?? []).filter((row) => row.operation === operation.name).map((row) => compile(row, operation))
    compiled.set(key, rows)
  }
  return rows.find(({ models }) => models === null || models.test(model))?.serving ?? null
}

function compile(row: Row, operation: Operation): Compiled {
  const { path } = row
  const serving: Serving = {
    path: ({ root, pathTo }, model) => (path === undefined ? pathTo(operation.suffix, model) : path(root, model)),
    codec: row.codec ?? null,
    form: row.form ?? null,
    vectors: row.vectors ?? 'any',
    patcher: row.quirks === undefined ? null : new QuirkPatcher(row.quirks),
  }
  return { models: row.models ?? null, serving }
}
