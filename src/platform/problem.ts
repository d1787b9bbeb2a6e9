/**
 * Something went wrong that the person can be told about. `code` is permanent: it is in the page's
 * `ymt-error` meta tag, in JSON answers, and it names the texts `problems.<code>.{title,happened,next}`.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: string;
  readonly status: number;
  /** Values for the placeholders of the texts. Never secrets, never whole personal data. */
  readonly params: Readonly<Record<string, string | number>>;

  constructor(code: string, status: number, params: Problem['params'] = {}, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
    this.status = status;
    this.params = params;
  }
}
