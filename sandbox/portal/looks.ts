import type { Look } from './settings.ts';

export type Lang = 'zh-CN' | 'en';

export interface LookTexts {
  name: string;
  motto: string;
  lead: string;
  notices: readonly { date: string; text: string }[];
  /** Links to services; `to` begins with the program that has it. */
  services: readonly { name: string; about: string; to: readonly [Look, string] }[];
}

/** Each portal in its own words: they are separate organisations and do not speak alike. */
export const LOOK_TEXTS: Record<Look, Record<Lang, LookTexts>> = {
  'city-a': {
    'zh-CN': {
      name: '甲市政务服务网',
      motto: '江畔之城，办事不跑腿',
      lead: '无需登录即可查看公开信息；办理业务时，用一码通登录一次即可。',
      notices: [
        { date: '11-20', text: '市民服务中心周末照常开放，可网上预约取号' },
        { date: '11-18', text: '冬季供暖缴费开始，一码通用户可在线办理' },
        { date: '11-15', text: '滨江公园步道改造完成，本周六重新开放' },
      ],
      services: [
        { name: '养老待遇查询', about: '人力资源和社会保障厅', to: ['hrss', '/pension'] },
        { name: '参保缴费证明', about: '人力资源和社会保障厅', to: ['hrss', '/certificate'] },
        { name: '个税纳税明细', about: '税务局', to: ['tax', '/income'] },
        { name: '疫情防控专页', about: '查看本人健康码', to: ['city-a', '/epidemic'] },
        { name: '乙市便民服务', about: '邻市服务，同一次登录', to: ['city-b', '/'] },
      ],
    },
    en: {
      name: 'City A Services',
      motto: 'A city by the river, services at your fingertips',
      lead: 'Public information needs no login. For everything else, log in once with Yimatong.',
      notices: [
        { date: '20 Nov', text: 'The citizen service centre stays open at weekends; book your visit online' },
        { date: '18 Nov', text: 'Winter heating payments have begun and can be made online' },
        { date: '15 Nov', text: 'The riverside path reopens this Saturday' },
      ],
      services: [
        { name: 'My pension', about: 'Human Resources and Social Security', to: ['hrss', '/pension'] },
        {
          name: 'Certificate of contributions',
          about: 'Human Resources and Social Security',
          to: ['hrss', '/certificate'],
        },
        { name: 'Income tax records', about: 'Tax Bureau', to: ['tax', '/income'] },
        { name: 'Epidemic prevention', about: 'See your own health code', to: ['city-a', '/epidemic'] },
        { name: 'City B services', about: 'The neighbouring city, same login', to: ['city-b', '/'] },
      ],
    },
  },
  'city-b': {
    'zh-CN': {
      name: '乙市便民服务',
      motto: '山里乙市，事事有回音',
      lead: '在其他城市登录过一码通，来到乙市就不用再登录。',
      notices: [
        { date: '11-21', text: '社区食堂新增三处，六十岁以上老人享优惠' },
        { date: '11-19', text: '公积金提取实现“刷脸即办”，也可用社保卡办理' },
        { date: '11-12', text: '山区公交二线增开早班车' },
      ],
      services: [
        { name: '退休金账户', about: '省人社厅统一提供', to: ['hrss', '/pension'] },
        { name: '纳税记录', about: '省税务局统一提供', to: ['tax', '/income'] },
        { name: '去甲市办事', about: '甲市政务服务网', to: ['city-a', '/'] },
      ],
    },
    en: {
      name: 'City B for You',
      motto: 'A mountain city that answers',
      lead: 'If you have logged in with Yimatong in another city, you are already logged in here.',
      notices: [
        { date: '21 Nov', text: 'Three more neighbourhood canteens, with a discount for people over sixty' },
        { date: '19 Nov', text: 'Housing fund withdrawals by face check, or with the social security card' },
        { date: '12 Nov', text: 'An earlier first bus on mountain line two' },
      ],
      services: [
        { name: 'Pension account', about: 'Provided by the province', to: ['hrss', '/pension'] },
        { name: 'Tax records', about: 'Provided by the province', to: ['tax', '/income'] },
        { name: 'Services in city A', about: 'City A Services', to: ['city-a', '/'] },
      ],
    },
  },
  hrss: {
    'zh-CN': {
      name: '人力资源和社会保障厅',
      motto: '社会保险网上服务大厅',
      lead: '查询养老待遇需要中级认证，开具证明需要高级认证。认证由一码通完成，本厅不保存您的面部或声音信息。',
      notices: [{ date: '11-16', text: '本年度养老保险待遇资格认证已开始' }],
      services: [
        { name: '养老待遇查询', about: '需要中级认证', to: ['hrss', '/pension'] },
        { name: '参保缴费证明', about: '需要高级认证', to: ['hrss', '/certificate'] },
      ],
    },
    en: {
      name: 'Human Resources and Social Security',
      motto: 'Online hall of social insurance',
      lead: 'Your pension needs the intermediate level, certificates the advanced level. Yimatong does the checking; we keep no face or voice.',
      notices: [{ date: '16 Nov', text: 'This year’s confirmation of pension entitlement has begun' }],
      services: [
        { name: 'My pension', about: 'Needs the intermediate level', to: ['hrss', '/pension'] },
        {
          name: 'Certificate of contributions',
          about: 'Needs the advanced level',
          to: ['hrss', '/certificate'],
        },
      ],
    },
  },
  tax: {
    'zh-CN': {
      name: '税务局',
      motto: '电子税务服务厅',
      lead: '查询个人所得税纳税明细需要中级认证。',
      notices: [{ date: '11-10', text: '下一年度专项附加扣除信息确认即将开始' }],
      services: [{ name: '个税纳税明细', about: '需要中级认证', to: ['tax', '/income'] }],
    },
    en: {
      name: 'Tax Bureau',
      motto: 'Electronic tax hall',
      lead: 'Your income tax records need the intermediate level.',
      notices: [{ date: '10 Nov', text: 'Confirmation of next year’s special deductions begins soon' }],
      services: [
        { name: 'Income tax records', about: 'Needs the intermediate level', to: ['tax', '/income'] },
      ],
    },
  },
};
