import type Router from '@koa/router';
import { record } from '../../audit/log.ts';
import { Problem } from '../../platform/problem.ts';
import { qrSvg } from '../../platform/qr.ts';
import { type CitizenPage, citizenPages, healthNav, type Me } from '../citizen-page.ts';
import { decideFor } from '../decide.ts';
import { noteGuardianAct } from '../guardian-acts.ts';
import type { ShowDeps } from './deps.ts';
import { endWithGuardians } from './former-guardians.ts';
import { issuePaper, listPapers, PAPERS_MAX, readPaper, revokePaper } from './paper.ts';
import { family, speaker, whose } from './whose.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * `/health/paper`: codes to print, for oneself or (`/health/paper/of/:of`) for somebody the citizen acts for, and taking
 * them back. `/health/paper/:id` is the sheet.
 */
export function paperRoutes(router: Router, deps: ShowDeps): void {
  const { db, cipher, pages } = deps;
  const forCitizen = citizenPages(deps);
  const home = (guardianship: string | undefined) =>
    guardianship === undefined ? '/health/paper' : `/health/paper/of/${guardianship}`;

  const list: CitizenPage = async (ctx, me) => {
    const shown = await whose(deps, me, ctx.params.of);
    const { holder, guardianship } = shown;
    const by = speaker(me, shown);
    await db.transaction((tx) => endWithGuardians(tx, cipher, { ...holder, now: me.now }));
    pages.render(ctx, 'health-code/paper', {
      nav: healthNav(pages, ctx, 'code'),
      holder,
      home: home(guardianship),
      family: (await family(deps, me, guardianship)).map(({ href, ...link }) => ({
        ...link,
        href: href.replace('/code', '/paper'),
      })),
      papers: (await listPapers(db, holder.citizenId)).map((paper) => ({
        ...paper,
        good: !paper.revokedAt && paper.expiresAt > me.now,
        byGuardian: paper.issuedBy !== holder.citizenId,
        printable: by === undefined || paper.issuedBy === by,
      })),
      max: PAPERS_MAX,
      done: ctx.query.done === 'revoked' ? 'revoked' : undefined,
    });
  };

  const make: CitizenPage = async (ctx, me) => {
    const shown = await whose(deps, me, ctx.params.of);
    const { citizenId } = shown.holder;
    const by = speaker(me, shown);
    const id = await db.transaction(async (tx) => {
      const { colour } = await decideFor(tx, citizenId, me.now);
      if (colour === 'GREY') throw new Problem('health_no_code', 409);
      await endWithGuardians(tx, cipher, { citizenId, now: me.now });
      const made = await issuePaper(tx, cipher, { citizenId, issuedBy: by, now: me.now });
      await record(tx, { type: 'health.paper_issued', ...about(me, citizenId) });
      await noteGuardianAct(tx, { citizenId, by, what: 'health_paper', now: me.now });
      return made;
    });
    ctx.status = 303;
    ctx.redirect(`${home(shown.guardianship)}/${id}`);
  };

  const sheet: CitizenPage = async (ctx, me) => {
    const shown = await whose(deps, me, ctx.params.of);
    const { holder, guardianship } = shown;
    const asked = {
      citizenId: holder.citizenId,
      id: idOf(ctx.params.id),
      issuedBy: speaker(me, shown),
      now: me.now,
    };
    const paper = await readPaper(db, cipher, asked);
    if (!paper) throw new Problem('health_paper_gone', 404);
    pages.render(ctx, 'health-code/paper-sheet', {
      nav: healthNav(pages, ctx, 'code'),
      holder,
      home: home(guardianship),
      paper,
      svg: qrSvg(paper.code),
    });
  };

  const revoke: CitizenPage = async (ctx, me) => {
    const shown = await whose(deps, me, ctx.params.of);
    const { citizenId } = shown.holder;
    const id = idOf(ctx.params.id);
    await db.transaction(async (tx) => {
      if (!(await revokePaper(tx, { citizenId, id, now: me.now }))) return;
      await record(tx, { type: 'health.paper_revoked', ...about(me, citizenId) });
      await noteGuardianAct(tx, { citizenId, by: speaker(me, shown), what: 'health_paper', now: me.now });
    });
    ctx.status = 303;
    ctx.redirect(`${home(shown.guardianship)}?done=revoked`);
  };

  for (const base of ['/health/paper', '/health/paper/of/:of']) {
    router.get(base, forCitizen(list));
    router.post(base, forCitizen(make));
    router.get(`${base}/:id`, forCitizen(sheet));
    router.post(`${base}/:id/revoke`, forCitizen(revoke));
  }
}

/** @throws Problem `health_paper_gone` 404 for what is no id. */
function idOf(text: string | undefined): string {
  if (text === undefined || !UUID.test(text)) throw new Problem('health_paper_gone', 404);
  return text;
}

/** Whose act it was, for the audit log. */
const about = ({ holder, sessionUid, now }: Me, citizenId: string) => ({
  citizenId,
  sessionUid,
  ...(citizenId !== holder.citizenId && { actor: `guardian:${holder.citizenId}` }),
  at: now,
});
