import type { RedirectCheckKind } from '../../src/authorities/redirect-check.ts';
import { type Html, raw } from '../html.ts';
import type { Lang } from './page.ts';

interface KindTexts {
  title: string;
  lead: string;
  steps: readonly string[];
  pass: string;
  fail: string;
}

export const KINDS: Record<RedirectCheckKind, Record<Lang, KindTexts>> = {
  face: {
    'zh-CN': {
      title: '人脸比对',
      lead: '将您的面部照片与证件照片比对，照片用后即删。',
      steps: ['正对屏幕，光线充足', '请勿佩戴口罩、墨镜', '比对结果只回传给一码通'],
      pass: '开始比对（通过）',
      fail: '开始比对（不通过）',
    },
    en: {
      title: 'Face comparison',
      lead: 'A photo of your face is compared with the one on your document, then deleted.',
      steps: [
        'Face the screen in good light',
        'Take off mask and sunglasses',
        'Only Yimatong receives the result',
      ],
      pass: 'Compare (it matches)',
      fail: 'Compare (it does not match)',
    },
  },
  alipay: {
    'zh-CN': {
      title: '支付宝授权',
      lead: '一码通请求确认您支付宝账号的实名信息。',
      steps: ['仅确认姓名与证件号是否一致', '不会读取余额、账单或好友', '可随时在支付宝中取消授权'],
      pass: '同意授权',
      fail: '账号未实名',
    },
    en: {
      title: 'Alipay authorisation',
      lead: 'Yimatong asks to confirm the real name behind your Alipay account.',
      steps: [
        'Only name and ID number are confirmed',
        'No balance, bills or friends are read',
        'You can withdraw it in Alipay at any time',
      ],
      pass: 'Authorise',
      fail: 'Account has no real name',
    },
  },
  live_face: {
    'zh-CN': {
      title: '活体人脸核验',
      lead: '请按提示完成动作，确认是您本人正在操作。',
      steps: ['请缓慢眨眼', '请向左、向右转头', '请正视屏幕'],
      pass: '完成动作（通过）',
      fail: '完成动作（不通过）',
    },
    en: {
      title: 'Live face check',
      lead: 'Please follow the prompts to show that it is really you, right now.',
      steps: ['Blink slowly', 'Turn your head left, then right', 'Look straight at the screen'],
      pass: 'Do it (it passes)',
      fail: 'Do it (it does not pass)',
    },
  },
  voiceprint: {
    'zh-CN': {
      title: '声纹核验',
      lead: '请在安静的环境中朗读下面的数字。',
      steps: ['三　九　二　七　一　五', '语速自然，不必用力', '录音用后即删，只保留特征'],
      pass: '朗读完毕（通过）',
      fail: '朗读完毕（不通过）',
    },
    en: {
      title: 'Voiceprint check',
      lead: 'Please read these digits aloud in a quiet place.',
      steps: ['3 · 9 · 2 · 7 · 1 · 5', 'Speak naturally', 'The recording is deleted; only features stay'],
      pass: 'Done reading (it matches)',
      fail: 'Done reading (it does not match)',
    },
  },
  video: {
    'zh-CN': {
      title: '视频人工核验',
      lead: '您已进入等候，工作人员接听后将当面核对证件。',
      steps: ['请备好身份证件原件', '保持网络通畅', '也可先返回，结果稍后告知'],
      pass: '工作人员接听：通过',
      fail: '工作人员接听：拒绝',
    },
    en: {
      title: 'Video call with an officer',
      lead: 'You are in the queue. An officer will look at your document with you.',
      steps: ['Have the original document ready', 'Stay connected', 'You may go back now and hear later'],
      pass: 'The officer answers: accepted',
      fail: 'The officer answers: refused',
    },
  },
  counter: {
    'zh-CN': {
      title: '到窗口核验',
      lead: '请带上下列证件，到就近的政务服务大厅，向工作人员出示下面的编号。',
      steps: [
        '身份证件原件',
        '另一件证件：户口簿、社会保障卡或者驾驶证',
        '核验后回到一码通，点“我已完成，继续”',
      ],
      pass: '',
      fail: '',
    },
    en: {
      title: 'At a counter',
      lead: 'Take these documents to a service hall near you and show the officer the number below.',
      steps: [
        'Your identity document, the original',
        'A second document: household register, social security card or driving licence',
        'Afterwards go back to Yimatong and press “I have finished, continue”',
      ],
      pass: '',
      fail: '',
    },
  },
};

export const COMMON = {
  'zh-CN': {
    who: '核验对象',
    document: '证件号码',
    purpose: '用途',
    purposes: {
      raise_level: '提升“一码通”认证等级',
      recovery: '找回“一码通”账户',
      registration: '注册“一码通”账户',
    },
    number: '办理编号',
    preset: '第一个按钮就是该演示人物的预设结果。',
    cancel: '取消并返回',
    later: '先返回，稍后得知结果',
    desk: '工作人员也可在工作台接听',
    done: '本次核验已结束',
    back: '返回一码通',
    gone: '没有这次核验',
    goneNext: '核验可能已过期，或模拟机构已重新启动。请回到一码通重新开始。',
    outcome: { passed: '已通过', failed: '未通过', cancelled: '已取消' },
  },
  en: {
    who: 'Person',
    document: 'Document number',
    purpose: 'Purpose',
    purposes: {
      raise_level: 'to raise the level of a Yimatong account',
      recovery: 'to recover a Yimatong account',
      registration: 'to register at Yimatong',
    },
    number: 'Number',
    preset: 'The first button is what this sandbox person is set to show.',
    cancel: 'Cancel and go back',
    later: 'Go back now, hear later',
    desk: 'An officer may also answer at the desk',
    done: 'This check is over',
    back: 'Back to Yimatong',
    gone: 'No such check',
    goneNext: 'It may have expired, or the simulator was restarted. Please begin again at Yimatong.',
    outcome: { passed: 'Passed', failed: 'Not passed', cancelled: 'Cancelled' },
  },
} as const;

const drawing = (shapes: string): Html =>
  raw(
    `<svg class="drawing" viewBox="0 0 120 120" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round" stroke-linejoin="round">${shapes}</svg>`,
  );
const FACE =
  '<path d="M16 36V20a4 4 0 0 1 4-4h16M84 16h16a4 4 0 0 1 4 4v16M104 84v16a4 4 0 0 1-4 4H84M36 104H20a4 4 0 0 1-4-4V84"/><circle cx="60" cy="52" r="18"/><path d="M30 96c2-16 14-24 30-24s28 8 30 24"/>';

export const DRAWINGS: Record<RedirectCheckKind, Html> = {
  face: drawing(FACE),
  live_face: drawing(`${FACE}<path d="M8 60h8M104 60h8" /><path d="M52 50h.5M68 50h.5"/>`),
  alipay: drawing(
    '<rect x="28" y="10" width="64" height="100" rx="10"/><path d="M48 60l9 9 17-19M54 98h12"/>',
  ),
  voiceprint: drawing('<path d="M14 52v16M28 40v40M42 26v68M56 46v28M70 18v84M84 36v48M98 46v28"/>'),
  counter: drawing(
    '<path d="M10 96h100M18 96V56h84v40M28 56V30h64v26"/><circle cx="60" cy="42" r="7"/><path d="M40 72h40M40 84h24"/>',
  ),
  video: drawing(
    '<rect x="10" y="32" width="68" height="56" rx="8"/><path d="M78 54l30-16v44L78 66"/><circle cx="44" cy="54" r="9"/><path d="M28 80c2-9 9-13 16-13s14 4 16 13"/>',
  ),
};
