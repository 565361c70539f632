import { anthropic } from './anthropic.ts'
import { bedrock } from './bedrock.ts'
import { cohere } from './cohere.ts'
import { gemini } from './gemini.ts'
import { ollama } from './ollama.ts'
import { openai } from './openai.ts'

/** One vendor of each wire format that upstreams speak. */
export const VENDORS = [openai, anthropic, gemini, cohere, bedrock, ollama] as const
