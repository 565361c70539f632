import type { Answers } from './events.ts'

/** "Predictions" (Replicate, HTTP API, 2026-11). */
export const REPLICATE: Answers = {
  'every member': {
    whole: {
      id: 'prediction_full',
      status: 'succeeded',
      output: ['said ', 'in words'],
      metrics: { input_token_count: 9, output_token_count: 8, predict_time: 1.5 },
      model: 'owner/model',
    },
    events: [
      { name: 'output', data: 'said in words' },
      { name: 'done', data: '{}' },
    ],
  },
}
