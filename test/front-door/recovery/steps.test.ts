import test from 'ava';
import {
  nextRecoveryStep,
  type RecoveryFile,
  recoveryWays,
  whyOneMore,
} from '../../../src/front-door/recovery/steps.ts';

const at = '2026-11-23T02:00:00Z';
const blank: RecoveryFile = {
  name: '示例',
  documentType: 'resident_id',
  idNumber: '390100199001020017',
  locale: 'zh-CN',
  proofs: [],
  failures: {},
};
const face = { method: 'face', reference: 'a', source: 'face', at } as const;
const card = { method: 'bank_card', reference: 'b', source: 'bank', at } as const;
const social = { method: 'social_security_card', reference: 'd', source: 'social_security', at } as const;
const carrier = { reference: 'c', source: 'carrier', at } as const;
const phone = { phone: '13900000001', freshSim: false };

for (const [name, kind, file, step] of [
  ['begins with a proof', 'password', {}, 'prove'],
  ['then the code of the account’s phone', 'password', { proofs: [face], ...phone }, 'code'],
  ['then the password', 'password', { proofs: [face], ...phone, phoneConfirmedAt: at }, 'password'],
  ['a fresh SIM asks for one more', 'password', { proofs: [face], ...phone, freshSim: true }, 'prove_again'],
  [
    'a SIM of which nobody can say asks for one more',
    'password',
    { proofs: [face], ...phone, freshSim: 'unknown' },
    'prove_again',
  ],
  ['no phone asks for one more', 'password', { proofs: [face] }, 'prove_again'],
  ['the same method twice is one proof', 'password', { proofs: [face, face] }, 'prove_again'],
  ['two methods stand in for the code', 'password', { proofs: [face, card], freshSim: true }, 'password'],
  [
    'numbers alone never stand in for it',
    'password',
    { proofs: [card, social], freshSim: true },
    'prove_again',
  ],
  [
    'a code proves nothing on a SIM changed after it was asked for',
    'password',
    { proofs: [face], ...phone, phoneConfirmedAt: at, freshSim: true },
    'prove_again',
  ],
  ['a lost phone begins with a proof too', 'phone', {}, 'prove'],
  ['then the new phone', 'phone', { proofs: [face] }, 'phone'],
  ['then its code', 'phone', { proofs: [face], phone: '13900000001' }, 'code'],
  [
    'the carrier must answer',
    'phone',
    { proofs: [face], phone: '13900000001', phoneConfirmedAt: at },
    'phone',
  ],
  ['then the wait', 'phone', { proofs: [face], ...phone, phoneConfirmedAt: at, carrier }, 'confirm'],
  [
    'a fresh SIM of the new phone asks for one more',
    'phone',
    { proofs: [face], ...phone, freshSim: true, phoneConfirmedAt: at, carrier },
    'prove_again',
  ],
] as const) {
  test(`${kind}: ${name}`, (t) => {
    t.is(nextRecoveryStep(kind, { ...blank, ...file } as RecoveryFile), step);
  });
}

test('the page says which reason asks for one more proof', (t) => {
  const proved = { ...blank, proofs: [card] };
  t.is(whyOneMore(proved), 'noPhone');
  t.is(whyOneMore({ ...proved, ...phone, freshSim: true }), 'newSim');
  t.is(whyOneMore({ ...proved, ...phone, freshSim: 'unknown' }), 'carrierSilent');
  t.is(whyOneMore({ ...proved, ...phone, withoutCode: true }), 'noMoreCodes');
});

test('a method that failed twice goes last, one that proved is not offered again', (t) => {
  const file = { ...blank, failures: { face: 2, alipay: 1 }, proofs: [card], ...phone };
  t.deepEqual(recoveryWays('password', file), {
    lead: ['alipay', 'social_security_card', 'officer', 'counter'],
    rest: ['face'],
  });
});

test('where numbers are all that was proved, the ways that see the person are offered', (t) => {
  const file = { ...blank, proofs: [card], phone: '13900000001', freshSim: true };
  t.deepEqual(recoveryWays('password', file).lead, ['face', 'alipay', 'officer', 'counter']);
});

test('who has a passport is offered nothing that compares with the register of the police', (t) => {
  const file = { ...blank, documentType: 'passport' as const };
  t.deepEqual(recoveryWays('password', file).lead, ['alipay', 'bank_card', 'officer', 'counter']);
});
