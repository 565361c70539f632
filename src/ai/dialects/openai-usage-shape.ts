import type { Shape } from './answer-shape.ts'

const INPUT: Shape = {
  cached_tokens: 'read',
  cache_write_tokens: 'read',
  audio_tokens: 'read',
  image_tokens: 'read',
  cached_tokens_details: 'read',
  text_tokens: 'ran',
}
const OUTPUT: Shape = {
  reasoning_tokens: 'read',
  audio_tokens: 'read',
  image_tokens: 'read',
  text_tokens: 'ran',
}

/** Members of the reports of usage that `openai-usage.ts` reads; the vendor's and those of its imitators. */
export const OPENAI_USAGE: Shape = {
  prompt_tokens: 'read',
  completion_tokens: 'read',
  input_tokens: 'read',
  output_tokens: 'read',
  // The sum of the others.
  total_tokens: 'read',
  prompt_tokens_details: INPUT,
  input_tokens_details: INPUT,
  input_token_details: INPUT,
  completion_tokens_details: OUTPUT,
  output_tokens_details: OUTPUT,
  output_token_details: OUTPUT,
  prompt_cache_hit_tokens: 'read',
  prompt_cache_miss_tokens: 'ran',
  cached_tokens: 'read',
  cache_read_input_tokens: 'read',
  cache_creation_input_tokens: 'read',
  reasoning_tokens: 'read',
  num_search_queries: 'read',
  num_sources_used: 'read',
  // The gateway tells the cost in a header of its own.
  cost: 'read',
  cost_details: 'read',
  cost_in_usd_ticks: 'read',
  is_byok: 'read',
  // How long it took (Groq, Cerebras).
  queue_time: 'ran',
  prompt_time: 'ran',
  completion_time: 'ran',
  total_time: 'ran',
}
