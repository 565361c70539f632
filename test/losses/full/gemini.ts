import type { JsonObject } from '../../../src/ai/ir/json.ts'
import { type Answers, bare } from './events.ts'

const RATING = { category: 'HARM_CATEGORY_HARASSMENT', probability: 'NEGLIGIBLE', blocked: false }
const GEMINI_WHOLE: JsonObject = {
  candidates: [
    {
      content: {
        role: 'model',
        parts: [
          { text: 'thought in words', thought: true, thoughtSignature: 'c2VhbGVkIHRob3VnaHQ=' },
          { text: 'said in words', thoughtSignature: 'c2VhbGVkIHRleHQ=' },
          { executableCode: { language: 'PYTHON', code: 'code that ran', id: 'code_id' } },
          { codeExecutionResult: { outcome: 'OUTCOME_OK', output: 'output of code', id: 'code_id' } },
          { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=', displayName: 'name of image' } },
          { inlineData: { mimeType: 'audio/wav', data: 'UklGRiQAAABXQVZF' } },
          {
            functionCall: { id: 'call_id_1', name: 'get_weather', args: { city: 'Oslo' } },
            thoughtSignature: 'c2VhbGVkIGNhbGw=',
          },
        ],
      },
      finishReason: 'STOP',
      finishMessage: 'message of the end',
      index: 0,
      tokenCount: 12,
      avgLogprobs: -0.5,
      safetyRatings: [RATING],
      citationMetadata: {
        citations: [
          {
            startIndex: 1,
            endIndex: 4,
            uri: 'https://cited.example/1',
            title: 'title cited',
            license: 'license of it',
            publicationDate: { year: 2024 },
          },
        ],
      },
      groundingMetadata: {
        webSearchQueries: ['asked the web'],
        searchEntryPoint: { renderedContent: '<div>to be shown</div>', sdkBlob: 'YmxvYiBvZiBzZGs=' },
        groundingChunks: [
          { web: { uri: 'https://ground.example/1', title: 'title of ground', domain: 'ground.example' } },
          { retrievedContext: { uri: 'https://ground.example/2', title: 'title of context', text: 'text of context' } },
        ],
        groundingSupports: [
          {
            segment: { startIndex: 0, endIndex: 4, text: 'said' },
            groundingChunkIndices: [0],
            confidenceScores: [0.75],
          },
        ],
        retrievalMetadata: { googleSearchDynamicRetrievalScore: 0.5 },
      },
      urlContextMetadata: {
        urlMetadata: [{ retrievedUrl: 'https://read.example/1', urlRetrievalStatus: 'URL_RETRIEVAL_STATUS_SUCCESS' }],
      },
      logprobsResult: {
        chosenCandidates: [{ token: 'Yes', tokenId: 7, logProbability: -0.25 }],
        topCandidates: [{ candidates: [{ token: 'No', tokenId: 8, logProbability: -2 }] }],
      },
    },
  ],
  promptFeedback: { safetyRatings: [RATING] },
  usageMetadata: {
    promptTokenCount: 100,
    cachedContentTokenCount: 20,
    toolUsePromptTokenCount: 7,
    candidatesTokenCount: 30,
    thoughtsTokenCount: 9,
    totalTokenCount: 146,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 90 },
      { modality: 'AUDIO', tokenCount: 10 },
    ],
    candidatesTokensDetails: [
      { modality: 'TEXT', tokenCount: 20 },
      { modality: 'IMAGE', tokenCount: 10 },
    ],
    serviceTier: 'priority',
  },
  modelVersion: 'gemini-full',
  responseId: 'response_full',
  modelStatus: { modelStage: 'PREVIEW', retirementTime: '2027-01-01T00:00:00Z' },
}

/** `GenerateContentResponse` (Google, API reference, 2026-11). */
export const GEMINI: Answers = { 'every member': { whole: GEMINI_WHOLE, events: bare([GEMINI_WHOLE]) } }
