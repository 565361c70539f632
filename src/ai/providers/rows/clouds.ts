import {
  type ApiRow,
  CHAT,
  COMPLETIONS,
  type EndpointRow,
  MESSAGES,
  type ProviderRow,
  RESPONSES,
  row,
  under,
} from '../provider-row.ts'
import { FREEFORM } from './freeform.ts'

const CLAUDE = /(?:^|[./])claude/i
const GEMINI = /^gemini/i
/** Models that complete a text; those for chat refuse to. */
const INSTRUCT = /instruct/i
const DEPLOYMENT = '/openai/deployments/{model}'
const OLD = { setting: 'api_version', isNot: 'v1' } as const
const NEW = { setting: 'api_version', is: 'v1' } as const
const DATED = '?api-version={api_version}'

/** Without a dated version the deployment is named in the body, as a model is. */
const AZURE_OPENAI: readonly EndpointRow[] = [
  under(DEPLOYMENT, CHAT, { path: `${DEPLOYMENT}/chat/completions${DATED}`, when: OLD, traits: FREEFORM }),
  under('/openai/v1', CHAT, { when: NEW, traits: FREEFORM }),
  under('/openai/v1', RESPONSES),
  under(DEPLOYMENT, COMPLETIONS, { path: `${DEPLOYMENT}/completions${DATED}`, when: OLD, models: INSTRUCT }),
  under('/openai/v1', COMPLETIONS, { when: NEW, models: INSTRUCT }),
]

/**
 * Dated versions name the deployment in the path of what is asked of one model (REST reference, "Data plane inference").
 * What came after them, sessions among it, stands below `v1` alone.
 */
const AZURE_API: readonly ApiRow[] = [
  {
    when: OLD,
    paths: /^\/(?!(?:responses|conversations|containers|evals|videos|realtime)(?:[/?]|$))/,
    root: '/openai',
    modelRoot: DEPLOYMENT,
    query: 'api-version={api_version}',
  },
  { root: '/openai/v1' },
]

const VERTEX_GEMINI = '/publishers/google/models/{model}'
const VERTEX_CLAUDE = '/publishers/anthropic/models/{model}'

/** Betas that Bedrock documents for Claude (user guide, "Anthropic Claude Messages API", 2026-11). */
const BEDROCK_BETAS = [
  'computer-use',
  'context-1m',
  'context-management',
  'dev-full-thinking',
  'effort',
  'fine-grained-tool-streaming',
  'interleaved-thinking',
  'output-128k',
  'token-efficient-tools',
  'tool-examples',
  'tool-search-tool',
]

/** Clouds, with authentication of their own and models of several vendors. */
export const CLOUDS: readonly ProviderRow[] = [
  row('azure-openai', null, 'AZURE_OPENAI_API_KEY', {
    baseEnds: ['/openai/v1', '/openai'],
    baseUrlVariable: 'AZURE_OPENAI_ENDPOINT',
    foundBy: [['AZURE_OPENAI_API_KEY', 'AZURE_OPENAI_ENDPOINT']],
    settings: { api_version: { variable: 'AZURE_OPENAI_API_VERSION', fallback: '2024-10-21' } },
    key: 'api-key',
    tokens: 'entra',
    endpoints: AZURE_OPENAI,
    api: AZURE_API,
    family: 'openai',
    discovery: { path: '/openai/v1/models', form: 'openai' },
  }),
  row('azure-foundry', null, 'AZURE_FOUNDRY_API_KEY', {
    baseEnds: ['/openai/v1', '/openai', '/anthropic', '/models'],
    baseUrlVariable: 'AZURE_FOUNDRY_ENDPOINT',
    foundBy: [['AZURE_FOUNDRY_API_KEY', 'AZURE_FOUNDRY_ENDPOINT']],
    key: 'both-keys',
    tokens: 'entra',
    endpoints: [
      under('/anthropic/v1', MESSAGES, { models: CLAUDE, headers: ['anthropic-version', '2023-06-01'] }),
      under('/openai/v1', CHAT, { models: /^(?!.*claude)/i, traits: FREEFORM }),
      under('/openai/v1', RESPONSES, { models: /^(?!.*claude)/i }),
    ],
    families: [
      [CLAUDE, 'anthropic'],
      [/^(?:gpt|o\d)/i, 'openai'],
    ],
    discovery: { path: '/openai/v1/models', form: 'openai' },
  }),
  row('bedrock', 'https://bedrock-runtime.{region}.amazonaws.com', 'AWS_BEARER_TOKEN_BEDROCK', {
    foundBy: [['AWS_BEARER_TOKEN_BEDROCK'], ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']],
    settings: { region: { variable: 'AWS_REGION', fallback: 'us-east-1' } },
    tokens: 'aws',
    endpoints: [
      {
        dialect: 'bedrock-converse',
        path: '/model/{model}/converse',
        streamPath: '/model/{model}/converse-stream',
      },
      {
        // For clients of Claude's own dialect: what Converse has no words for survives.
        dialect: 'anthropic-messages',
        path: '/model/{model}/invoke',
        streamPath: '/model/{model}/invoke-with-response-stream',
        models: /anthropic\.claude/,
        quirks: { defaults: { anthropic_version: 'bedrock-2023-05-31' } },
        frames: true,
        betas: { member: 'anthropic_beta', known: BEDROCK_BETAS },
      },
    ],
    families: [
      [/anthropic\./, 'anthropic'],
      [/^openai\./, 'openai'],
    ],
    discovery: {
      path: '/foundation-models?byOutputModality=TEXT',
      form: 'bedrock',
      baseUrl: 'https://bedrock.{region}.amazonaws.com',
    },
  }),
  row(
    'vertex-ai',
    'https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}',
    'VERTEX_AI_API_KEY',
    {
      foundBy: [
        ['VERTEX_AI_PROJECT_ID', 'VERTEX_AI_API_KEY'],
        ['VERTEX_AI_PROJECT_ID', 'VERTEX_AI_SERVICE_ACCOUNT_JSON'],
        ['VERTEX_AI_PROJECT_ID', 'GOOGLE_APPLICATION_CREDENTIALS'],
      ],
      settings: {
        project: { variable: 'VERTEX_AI_PROJECT_ID', fallback: null },
        region: { variable: 'VERTEX_AI_REGION', fallback: 'us-central1' },
      },
      regionHosts: {
        global: 'aiplatform.googleapis.com',
        us: 'aiplatform.us.rep.googleapis.com',
        eu: 'aiplatform.eu.rep.googleapis.com',
      },
      key: 'x-goog-api-key',
      tokens: 'google',
      endpoints: [
        {
          dialect: 'gemini',
          path: `${VERTEX_GEMINI}:generateContent`,
          streamPath: `${VERTEX_GEMINI}:streamGenerateContent?alt=sse`,
          models: GEMINI,
        },
        {
          dialect: 'anthropic-messages',
          path: `${VERTEX_CLAUDE}:rawPredict`,
          streamPath: `${VERTEX_CLAUDE}:streamRawPredict`,
          models: CLAUDE,
          quirks: { defaults: { anthropic_version: 'vertex-2023-10-16' } },
        },
        under('/endpoints/openapi', CHAT, { models: /^(?!gemini|.*claude)/i }),
      ],
      families: [
        [GEMINI, 'gemini'],
        [CLAUDE, 'anthropic'],
      ],
      discovery: null,
    },
  ),
]
