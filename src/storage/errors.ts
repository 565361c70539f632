/** Why storage cannot do what was asked; the message is for people and says what to do next. */
export type StorageErrorCode =
  | 'directory_locked'
  | 'newer_schema'
  | 'unknown_format'
  | 'bad_url'
  | 'key_exists'
  | 'key_changed'
  | 'adjustment_exists'
  | 'not_settled'
  | 'too_much'
  | 'bad_secret_file'
  | 'bad_pending_file'
  | 'damaged_database'
  | 'unusable_database'
  | 'other_secret'

/** The one error class of this module; whatever else is thrown comes from the file system or from the database. */
export class StorageError extends Error {
  readonly code: StorageErrorCode

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StorageError'
    this.code = code
  }
}
