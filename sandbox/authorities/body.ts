import { bodyParser } from '@koa/bodyparser';
import type { Context } from 'koa';
import { z } from 'zod';

/** Reads bodies; what cannot be read is told by `bodyOf`, which knows what would be right. */
export const readBody = bodyParser({
  enableTypes: ['json', 'form'],
  onError(error, ctx) {
    if (!('status' in error) || error.status !== 400) throw error;
    ctx.state.unreadable = error.message;
  },
});

/**
 * Reads the body by a schema.
 *
 * @throws HttpError 400 that names the fields and what is expected
 */
export function bodyOf<T>(ctx: Context, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(ctx.request.body ?? {});
  const { unreadable } = ctx.state;
  if (parsed.success && unreadable === undefined) return parsed.data;
  const fields = [...new Set(parsed.error?.issues.flatMap(fieldsOf))].join(', ');
  const wrong = [
    unreadable === undefined ? `missing or malformed: ${fields}` : `the body is not JSON: ${unreadable}`,
    ...(ctx.is('json') ? [] : ['it came without the header content-type: application/json']),
    `expected is ${expected(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))}`,
  ];
  return ctx.throw(400, wrong.join('; '));
}

function fieldsOf(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => (path ? `${path}.${key}` : key));
  if (path === '' && issue.code === 'invalid_union') return issue.errors.flat().flatMap(fieldsOf);
  return [path || 'the body'];
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A JSON Schema as a person writes it down: `{"now": date-time} or {"advance": number from 0 to 9}`. */
function expected(schema: JsonSchema): string {
  const { anyOf, enum: values, properties, required = [], format, type, minimum, maximum } = schema;
  if (anyOf) return anyOf.map((each) => expected(each)).join(' or ');
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (minimum !== undefined && maximum !== undefined) return `${type} from ${minimum} to ${maximum}`;
  if (!properties) return format ?? String(type ?? 'anything');
  const members = Object.entries(properties).map(([name, member]) => {
    const optional = required.includes(name) ? '' : '?';
    return `"${name}"${optional}: ${typeof member === 'object' ? expected(member) : 'anything'}`;
  });
  return `{${members.join(', ')}}`;
}
