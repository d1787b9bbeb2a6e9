import type { Lang } from './looks.ts';

interface DepartmentTexts {
  pension: { title: string; months: string; balance: string; monthly: string };
  certificate: {
    title: string;
    number: string;
    content: string;
    issued: string;
    text: (months: number) => string;
  };
  income: { title: string; file: string; income: string; paid: string };
  level: string;
  since: string;
  home: string;
  invented: string;
  yuan: (amount: number) => string;
  levels: Record<string, string>;
}

export const DEPARTMENT_TEXTS: Record<Lang, DepartmentTexts> = {
  'zh-CN': {
    pension: {
      title: '养老待遇查询',
      months: '累计缴费月数',
      balance: '个人账户余额',
      monthly: '预计每月待遇',
    },
    certificate: {
      title: '参保缴费证明',
      number: '证明编号',
      content: '证明内容',
      issued: '开具时间',
      text: (months) => `该参保人在本省累计缴纳基本养老保险费 ${months} 个月。`,
    },
    income: { title: '个人所得税纳税明细', file: '纳税人档案号', income: '本年收入', paid: '本年已缴税额' },
    level: '本次认证等级',
    since: '认证时间',
    home: '返回首页',
    invented: '以上数据为演示用的虚构数据。',
    yuan: (amount) => `${amount.toLocaleString('zh-CN')} 元`,
    levels: {
      'urn:ymt:acr:basic': '初级',
      'urn:ymt:acr:intermediate': '中级',
      'urn:ymt:acr:advanced': '高级',
    },
  },
  en: {
    pension: {
      title: 'My pension',
      months: 'Months of contributions',
      balance: 'Balance of the personal account',
      monthly: 'Expected monthly pension',
    },
    certificate: {
      title: 'Certificate of contributions',
      number: 'Number',
      content: 'It is certified',
      issued: 'Issued',
      text: (months) =>
        `that the holder has paid pension contributions in this province for ${months} months.`,
    },
    income: {
      title: 'Income tax records',
      file: 'Taxpayer file',
      income: 'Income this year',
      paid: 'Tax paid this year',
    },
    level: 'Level of this visit',
    since: 'Authenticated',
    home: 'Front page',
    invented: 'These figures are invented for demonstration.',
    yuan: (amount) => `¥${amount.toLocaleString('en')}`,
    levels: {
      'urn:ymt:acr:basic': 'basic',
      'urn:ymt:acr:intermediate': 'intermediate',
      'urn:ymt:acr:advanced': 'advanced',
    },
  },
};
