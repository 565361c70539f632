/** What a request waits for whose look-up ends by itself, whether anybody still waits or not. */
export const UNHEARD = { cancel: (): void => undefined }
