import type { Queryable } from '../platform/database.ts';

/**
 * The name of a department in the language of a page: on English ones as its relying parties are registered
 * (`department#en`), where one is.
 *
 * @param name in Chinese.
 */
export async function departmentName(db: Queryable, name: string, locale: 'zh-CN' | 'en'): Promise<string> {
  if (locale !== 'en') return name;
  const [known] = await db.query<{ english: string }>(
    `select metadata ->> 'department#en' as english from clients
      where metadata ->> 'department' = $1 and metadata ->> 'department#en' <> '' and disabled_at is null
      order by client_id limit 1`,
    [name],
  );
  return known?.english ?? name;
}
