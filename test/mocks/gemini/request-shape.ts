import {
  anything,
  bytes,
  type Check,
  flag,
  integer,
  listOf,
  mapOf,
  message,
  number,
  oneOf,
  signature,
  struct,
  text,
} from './shapes.ts'

const blob = message({ mimeType: text, data: bytes, displayName: text }, ['mimeType', 'data'])
const file = message({ mimeType: text, fileUri: text, displayName: text }, ['fileUri'])
const resolution = message({
  level: oneOf(
    'MEDIA_RESOLUTION_LOW',
    'MEDIA_RESOLUTION_MEDIUM',
    'MEDIA_RESOLUTION_HIGH',
    'MEDIA_RESOLUTION_ULTRA_HIGH',
  ),
})

/** A part: exactly one kind of data, which `check-request.ts` counts. */
export const PART_DATA: Readonly<Record<string, Check>> = {
  text,
  inlineData: blob,
  fileData: file,
  functionCall: message({ id: text, name: text, args: struct }, ['name']),
  functionResponse: message(
    {
      id: text,
      name: text,
      response: struct,
      parts: listOf(message({ inlineData: blob, fileData: file })),
      scheduling: text,
      willContinue: flag,
    },
    ['name', 'response'],
  ),
  executableCode: message({ language: oneOf('PYTHON'), code: text, id: text }, ['language', 'code']),
  codeExecutionResult: message({ outcome: text, output: text, id: text }, ['outcome']),
  toolCall: struct,
  toolResponse: struct,
}

const part = message({
  ...PART_DATA,
  thought: flag,
  thoughtSignature: signature,
  videoMetadata: message({ startOffset: text, endOffset: text, fps: number }),
  mediaResolution: resolution,
  partMetadata: struct,
})
const content = message({ role: oneOf('user', 'model'), parts: listOf(part) })

/** `Schema`: a subset of OpenAPI's, with types in capitals. */
const schema: Check = (value, path) =>
  message({
    type: oneOf('STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL'),
    format: text,
    title: text,
    description: text,
    nullable: flag,
    enum: listOf(text),
    items: schema,
    maxItems: anything,
    minItems: anything,
    properties: mapOf(schema),
    required: listOf(text),
    minProperties: anything,
    maxProperties: anything,
    minLength: anything,
    maxLength: anything,
    pattern: text,
    example: anything,
    anyOf: listOf(schema),
    propertyOrdering: listOf(text),
    default: anything,
    minimum: number,
    maximum: number,
  })(value, path)

const declaration = message(
  {
    name: (value, path) =>
      typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/.test(value)
        ? null
        : `Invalid function name at '${path}'. Must start with a letter or an underscore.`,
    description: text,
    behavior: text,
    parameters: schema,
    parametersJsonSchema: struct,
    response: schema,
    responseJsonSchema: struct,
  },
  ['name'],
)

const generationConfig = message({
  stopSequences: (value, path) =>
    Array.isArray(value) && value.length > 5 ? `${path}: at most 5 stop sequences` : listOf(text)(value, path),
  responseMimeType: oneOf('text/plain', 'application/json', 'text/x.enum'),
  responseSchema: schema,
  responseJsonSchema: struct,
  responseModalities: listOf(oneOf('TEXT', 'IMAGE', 'AUDIO')),
  candidateCount: integer,
  maxOutputTokens: integer,
  temperature: (value, path) =>
    typeof value === 'number' && value >= 0 && value <= 2 ? null : `${path}: must be in the range [0.0, 2.0]`,
  topP: number,
  topK: number,
  seed: integer,
  presencePenalty: number,
  frequencyPenalty: number,
  responseLogprobs: flag,
  logprobs: integer,
  enableEnhancedCivicAnswers: flag,
  speechConfig: struct,
  thinkingConfig: message({
    includeThoughts: flag,
    thinkingBudget: integer,
    thinkingLevel: oneOf('MINIMAL', 'LOW', 'MEDIUM', 'HIGH'),
  }),
  imageConfig: struct,
  mediaResolution: text,
})

/** The body of generateContent. */
export const REQUEST_SHAPE = message(
  {
    contents: listOf(content),
    systemInstruction: message({ role: text, parts: listOf(message({ text }, ['text'])) }, ['parts']),
    tools: listOf(
      message({
        functionDeclarations: listOf(declaration),
        googleSearch: struct,
        googleSearchRetrieval: struct,
        codeExecution: struct,
        urlContext: struct,
        computerUse: struct,
        fileSearch: struct,
        googleMaps: struct,
      }),
    ),
    toolConfig: message({
      functionCallingConfig: message({
        mode: oneOf('AUTO', 'ANY', 'NONE', 'VALIDATED'),
        allowedFunctionNames: listOf(text),
      }),
      retrievalConfig: struct,
      includeServerSideToolInvocations: flag,
    }),
    safetySettings: listOf(message({ category: text, threshold: text }, ['category', 'threshold'])),
    generationConfig,
    cachedContent: text,
    labels: mapOf(text),
    serviceTier: oneOf('standard', 'flex', 'priority', 'unspecified'),
    store: flag,
  },
  ['contents'],
)
