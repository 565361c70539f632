import type { Shape } from '../answer-shape.ts'

/** A prediction that is over; most of it says how it ran. */
export const PREDICTION: Shape = {
  id: 'read',
  status: 'read',
  output: 'read',
  error: 'read',
  metrics: { input_token_count: 'read', output_token_count: 'read', '*': 'ran' },
  model: 'ran',
  version: 'ran',
  input: 'ran',
  logs: 'ran',
  urls: 'ran',
  data_removed: 'ran',
  source: 'ran',
  created_at: 'ran',
  started_at: 'ran',
  completed_at: 'ran',
  deadline: 'ran',
}
