import { createScanner, type JsonScanner, readJson } from '../../lib/index.ts'
import type { Capabilities, DialectTraits, OutputWay } from '../dialects/dialect.ts'
import type { DialectName } from '../dialects/name.ts'
import { isObject } from '../ir/json.ts'

const MAX_DEPTH = 64
const IMAGE = Buffer.from('image')
const ARRAY_OPEN = 0x5b
const CLOSE = 0x5d

/** Where a dialect's clients put tools, and where the form of the output stands. */
interface Places {
  readonly tools: readonly string[]
  readonly output: readonly string[]
  /** What the value of such a member asks for; null: nothing beyond text. */
  readonly asked: (value: unknown) => 'schema' | 'json' | null
}

const PLACES: Readonly<Partial<Record<DialectName, Places>>> = {
  'openai-chat': { tools: ['tools', 'functions'], output: ['response_format'], asked: typed },
  'openai-responses': { tools: ['tools'], output: ['text'], asked: (text) => typed(inside(text, 'format')) },
  'anthropic-messages': {
    tools: ['tools'],
    output: ['output_config', 'output_format'],
    asked: (value) => typed(inside(value, 'format') ?? value),
  },
  gemini: { tools: ['tools'], output: ['generationConfig', 'generation_config'], asked: configured },
}

/**
 * What a model is known not to do as its clients ask for it: pictures, tools, output of a form. A body that asks for it cannot be
 * relayed as it is; it is put into words that the model takes, within the dialect.
 */
export class Inabilities {
  readonly #places: Places
  readonly #scanner: JsonScanner
  readonly #blind: boolean
  readonly #toolless: boolean
  readonly #schema: boolean
  readonly #json: boolean

  private constructor(
    places: Places,
    { vision, tools, structuredOutput: can }: Capabilities,
    output: DialectTraits['output'],
  ) {
    this.#places = places
    this.#scanner = createScanner([...places.tools, ...places.output], { maxDepth: MAX_DEPTH })
    this.#blind = vision === false
    this.#toolless = tools === false
    this.#schema = !isNative(output?.schema, can)
    this.#json = !isNative(output?.json, can)
  }

  /** Null for a model that is not known to lack anything. */
  static of(dialect: DialectName, capabilities: Capabilities, output: DialectTraits['output']): Inabilities | null {
    const places = PLACES[dialect]
    if (places === undefined) return null
    const found = new Inabilities(places, capabilities, output)
    return found.#blind || found.#toolless || found.#readsOutput ? found : null
  }

  /** Whether a body that a scan has accepted asks for some of it; `hasMedia`: pictures, sounds or files stand in it. */
  isAsked(body: Buffer, hasMedia: boolean): boolean {
    if (this.#blind && hasMedia && body.includes(IMAGE)) return true
    if (!this.#toolless && !this.#readsOutput) return false
    const scanned = this.#scanner.scan(body)
    // Only a member given twice under one of these names can be wrong with it now: the upstream will say so.
    if (scanned.kind !== 'object') return false
    const { tools, output, asked } = this.#places
    const valueAt = (index: number) => body.subarray(scanned.valueStart(index), scanned.valueEnd(index))
    if (this.#toolless && tools.some((_, index) => scanned.has(index) && isFilled(valueAt(index)))) return true
    if (!this.#readsOutput) return false
    return output.some((_, at) => {
      const index = tools.length + at
      if (!scanned.has(index)) return false
      const form = asked(readJson(body, scanned.valueStart(index), scanned.valueEnd(index)))
      return form === 'schema' ? this.#schema : form === 'json' && this.#json
    })
  }

  get #readsOutput(): boolean {
    return this.#schema || this.#json
  }
}

function isNative(said: OutputWay | 'json' | undefined, can: OutputWay | null): boolean {
  return (said ?? 'native') === 'native' && (can ?? 'native') === 'native'
}

/** A list with something in it; `null` and `[]` ask for nothing. */
function isFilled(value: Buffer): boolean {
  return value[0] === ARRAY_OPEN && /\S/.exec(value.toString('latin1', 1, 64))?.[0] !== String.fromCharCode(CLOSE)
}

function typed(format: unknown): 'schema' | 'json' | null {
  const type = inside(format, 'type')
  return type === 'json_schema' ? 'schema' : type === 'json_object' ? 'json' : null
}

function configured(config: unknown): 'schema' | 'json' | null {
  if (!isObject(config)) return null
  const names = Object.keys(config).filter((name) => config[name] !== null)
  if (names.some((name) => /^response_?(?:json_?)?schema$/i.test(name))) return 'schema'
  const type = config['responseMimeType'] ?? config['response_mime_type']
  return type === 'application/json' ? 'json' : null
}

function inside(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}
