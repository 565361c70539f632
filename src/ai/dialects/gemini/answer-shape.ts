import type { JsonObject } from '../../ir/json.ts'
import type { Reading, Shape } from '../answer-shape.ts'

/** The tokens' own numbers mean nothing elsewhere. */
const TOKEN: Shape = { token: 'read', logProbability: 'read', tokenId: 'ran' }
const SOURCE: Shape = { uri: 'read', sourceUri: 'read', title: 'read' }
const MODALITIES = [{ modality: 'read', tokenCount: 'read' }] as const

/** A piece of arguments; whether more of it follows shows in what follows. */
const PIECE: Shape = {
  jsonPath: 'read',
  stringValue: 'read',
  numberValue: 'read',
  boolValue: 'read',
  nullValue: 'read',
  willContinue: 'ran',
}
const CALL: Shape = {
  functionCall: { name: 'read', id: 'read', args: 'read', partialArgs: [PIECE], willContinue: 'read' },
  thoughtSignature: 'read',
  thought: 'read',
}

/** A text of nothing, with which some models end. */
const NOTHING: Shape = { text: 'read', thought: 'read' }

/** Calls are read member by member; all else that a part holds goes along with it. */
function part(value: JsonObject): Reading {
  if ('functionCall' in value) return CALL
  return value['text'] === '' && value['thoughtSignature'] === undefined ? NOTHING : 'kept'
}

/** What may be shown beside an answer goes along; what its texts stand on becomes their citations. */
const GROUNDING: Shape = {
  groundingChunks: [{ web: SOURCE, retrievedContext: SOURCE, maps: SOURCE, image: SOURCE }],
  groundingSupports: [
    {
      segment: { startIndex: 'read', endIndex: 'read', text: 'read', partIndex: 'ran' },
      groundingChunkIndices: 'read',
    },
  ],
  webSearchQueries: 'kept',
  '*': 'kept',
}

/** `GenerateContentResponse`, whole or as a chunk of a stream, with its members in camelCase. */
export const RESPONSE: Shape = {
  candidates: [
    {
      content: { role: 'ran', parts: [part] },
      finishReason: 'read',
      index: 'read',
      groundingMetadata: GROUNDING,
      citationMetadata: { citations: 'kept', citationSources: 'kept' },
      logprobsResult: {
        chosenCandidates: [TOKEN],
        topCandidates: [{ candidates: [TOKEN] }],
        logProbabilitySum: 'ran',
      },
      '*': 'kept',
    },
  ],
  usageMetadata: {
    promptTokenCount: 'read',
    cachedContentTokenCount: 'read',
    toolUsePromptTokenCount: 'read',
    candidatesTokenCount: 'read',
    thoughtsTokenCount: 'read',
    // The sum of the others.
    totalTokenCount: 'read',
    promptTokensDetails: MODALITIES,
    cacheTokensDetails: MODALITIES,
    candidatesTokensDetails: MODALITIES,
    toolUsePromptTokensDetails: MODALITIES,
    serviceTier: 'read',
    trafficType: 'read',
  },
  modelVersion: 'read',
  responseId: 'read',
  createTime: 'read',
  promptFeedback: 'kept',
  error: 'read',
  '*': 'kept',
}
