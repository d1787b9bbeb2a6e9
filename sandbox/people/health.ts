import { type Role, role } from './role.ts';

/** People for the health code: what the carrier says of a declared trip, and an elder without an account. */
export const healthCast: Role[] = [
  role(
    'basic',
    '江晚行',
    'jiang_wanxing',
    'm',
    '1988-03-03',
    '运营商没有在申报的地方见过其手机',
    'the carrier did not see the phone where a trip was declared',
    { outcomes: { stay: 'no' } },
  ),
  role(
    'basic',
    '柳问渠',
    'liu_wenqu',
    'f',
    '1991-05-25',
    '运营商不知道手机到过哪里',
    'the carrier does not know where the phone was',
    { outcomes: { stay: 'unknown' } },
  ),
  role(
    'basic',
    '卓远帆',
    'zhuo_yuanfan',
    'm',
    '1985-10-10',
    '核对行程时运营商故障',
    'the carrier is down when asked about a trip',
    { outcomes: { stay: 'down' } },
  ),
  role(
    'basic',
    '凌迟迟',
    'ling_chichi',
    'f',
    '1994-04-01',
    '核对行程时运营商超时',
    'the carrier is too slow when asked about a trip',
    { outcomes: { stay: 'slow' } },
  ),
  role(
    null,
    '孟秋萍',
    'meng_qiuping',
    'f',
    '1948-09-09',
    '没有账户的老人，可由家人代办',
    'an elder without an account, for whom family may act',
  ),
];
