/** What a key may be allowed to do on the data plane. */
export const SCOPES = ['models.read', 'chat.completions'] as const
/** The periods after which a budget starts anew; `total` never does. */
export const BUDGET_PERIODS = ['day', 'month', 'total'] as const
