import { isObject } from '../../lib/index.ts'
import { invalidRequest, notFound } from './api-error.ts'
import { errorScript, jsonScript, type Script } from './script.ts'

export const MODERATION_MODEL = 'demo-moderation'

/** The vendor's categories, each with words by which the demo knows it. */
const CATEGORIES: Readonly<Record<string, RegExp | null>> = {
  harassment: /\b(?:idiot|stupid)\b/i,
  'harassment/threatening': null,
  hate: /\bhate\b/i,
  'hate/threatening': null,
  illicit: null,
  'illicit/violent': null,
  'self-harm': null,
  'self-harm/instructions': null,
  'self-harm/intent': null,
  sexual: null,
  'sexual/minors': null,
  violence: /\b(?:kill|attack|stab)\b/i,
  'violence/graphic': null,
}

/** `POST /moderations`: a few words decide, so that both outcomes can be tried. */
export function moderationsScript(body: Buffer | null): Script {
  let value: unknown
  try {
    value = JSON.parse(body === null ? '' : body.toString())
  } catch {
    return errorScript(invalidRequest('The body is not valid JSON.'))
  }
  if (!isObject(value)) return errorScript(invalidRequest('The body must be a JSON object.'))
  if (value['model'] !== MODERATION_MODEL) {
    return errorScript(notFound('The model does not exist, or moderates nothing.', 'model_not_found'))
  }
  const { input } = value
  const inputs: readonly unknown[] = Array.isArray(input) ? input : [input]
  const texts = inputs.map((item) => (isObject(item) ? item['text'] : item))
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string')) {
    return errorScript(invalidRequest("'input' must be a text, or a list of texts.", 'input'))
  }
  return jsonScript(200, { id: 'modr-demo', model: MODERATION_MODEL, results: texts.map(resultOf) })
}

function resultOf(text: string): object {
  const found = Object.entries(CATEGORIES).map(([name, words]) => [name, words?.test(text) === true] as const)
  return {
    flagged: found.some(([, applies]) => applies),
    categories: Object.fromEntries(found),
    category_scores: Object.fromEntries(found.map(([name, applies]) => [name, applies ? 0.98 : 0.0001])),
    category_applied_input_types: Object.fromEntries(found.map(([name, applies]) => [name, applies ? ['text'] : []])),
  }
}
