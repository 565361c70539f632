import type { JsonObject } from '../../../src/ai/ir/json.ts'
import { type FullRequest, PNG } from './full-request.ts'

function contents(feature: string, ...parts: readonly JsonObject[]): FullRequest {
  const request = { contents: [{ role: 'user', parts: [{ text: 'Hi' }, ...parts] }] }
  return { feature, input: { request, path: { model: 'fast', stream: false } } }
}

/** `GenerateContentRequest` (Google, API reference, 2026-11). */
export const GEMINI: readonly FullRequest[] = [
  contents(
    'parts',
    { inlineData: { mimeType: 'image/png', data: PNG }, mediaResolution: { level: 'MEDIA_RESOLUTION_LOW' } },
    { fileData: { mimeType: 'video/mp4', fileUri: 'https://a.example/a.mp4' }, videoMetadata: { startOffset: '1s' } },
  ),
  {
    feature: 'calls',
    input: {
      path: { model: 'fast', stream: false },
      request: {
        contents: [
          { role: 'user', parts: [{ text: 'Hi' }] },
          {
            role: 'model',
            parts: [
              { text: 'hm', thought: true, thoughtSignature: 'c2VhbA==' },
              { functionCall: { id: '1', name: 'look', args: {} }, thoughtSignature: 'c2VhbA==' },
              { executableCode: { language: 'PYTHON', code: '1' } },
              { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } },
            ],
          },
          {
            role: 'user',
            parts: [
              {
                functionResponse: {
                  id: '1',
                  name: 'look',
                  response: { result: 'seen' },
                  parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }],
                },
              },
            ],
          },
        ],
        systemInstruction: { role: 'user', parts: [{ text: 'rule' }] },
      },
    },
  },
  {
    feature: 'beside the conversation',
    input: {
      path: { model: 'fast', stream: false },
      request: {
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
        cachedContent: 'cachedContents/1',
        safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
        generationConfig: {
          temperature: 1,
          thinkingConfig: { thinkingBudget: 100, includeThoughts: true },
          speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } },
          imageConfig: { aspectRatio: '1:1' },
        },
        tools: [
          {
            functionDeclarations: [
              { name: 'look', parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' } } } },
            ],
          },
          { googleSearch: { timeRangeFilter: { startTime: '2026-01-01T00:00:00Z', endTime: '2026-02-01T00:00:00Z' } } },
          { codeExecution: {} },
          { urlContext: {} },
          { googleMaps: { enableWidget: true } },
        ],
        toolConfig: {
          functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['look'] },
          retrievalConfig: { latLng: { latitude: 1, longitude: 2 }, languageCode: 'en' },
        },
      },
    },
  },
]
