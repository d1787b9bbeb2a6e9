import { type Role, role } from './role.ts';

const COUNTY = { organisation: '甲市卫生健康委员会', type: 'health' } as const;
const PROVINCE = { organisation: '示例省卫生健康委员会', type: 'health' } as const;

/** Who works on the health code: two of each kind, because nothing that matters is done by one. */
export const officers: readonly Role[] = [
  role(
    'intermediate',
    '卫康宁',
    'wei_kangning',
    'f',
    '1984-05-12',
    '健康码经办：复核、申请人工判定',
    'health officer: reviews, asks for orders',
    { officer: { ...COUNTY, roles: ['health_officer'] } },
  ),
  role(
    'intermediate',
    '石以安',
    'shi_yian',
    'm',
    '1979-11-02',
    '健康码经办；签署规则；启用审批',
    'health officer; signs rule sets; switches the health code on',
    { officer: { ...PROVINCE, roles: ['health_officer', 'rule_signer', 'activation_approver'] } },
  ),
  role(
    'intermediate',
    '乔明德',
    'qiao_mingde',
    'm',
    '1972-03-27',
    '健康码审批；签署规则；启用审批',
    'health approver; signs rule sets; switches the health code on',
    { officer: { ...PROVINCE, roles: ['health_approver', 'rule_signer', 'activation_approver'] } },
  ),
  role(
    'intermediate',
    '陆守正',
    'lu_shouzheng',
    'm',
    '1968-08-19',
    '健康码审批；接收告警短信',
    'health approver; gets the alarm messages',
    { officer: { ...COUNTY, roles: ['health_approver', 'alarm_contact'] } },
  ),
  role(
    'intermediate',
    '莫路遥',
    'mo_luyao',
    'f',
    '1990-01-31',
    '交通部门经办：不能作出人工判定',
    'officer of a transport department: may give no orders',
    { officer: { organisation: '甲市交通运输局', type: 'transport', roles: ['health_officer'] } },
  ),
];
