import type { SourceName } from './source.ts';

/** What a developer can have a source say about somebody, and what it does to the colour. */
export interface Fact {
  source: SourceName;
  type: string;
  zh: string;
  en: string;
  more?: (at: string) => Record<string, unknown>;
}

export const FACTS: readonly Fact[] = [
  {
    source: 'hospital',
    type: 'CASE_CONFIRMED',
    zh: '医院：确诊（红码）',
    en: 'Hospital: confirmed case (red)',
  },
  {
    source: 'hospital',
    type: 'CASE_SUSPECTED',
    zh: '医院：疑似（红码）',
    en: 'Hospital: suspected case (red)',
  },
  {
    source: 'hospital',
    type: 'CASE_CONFIRMED',
    zh: '医院：确诊后出院（红码 14 天）',
    en: 'Hospital: case, discharged (red for 14 days)',
    more: (at) => ({ version: 2, dischargedAt: at }),
  },
  { source: 'cdc', type: 'CLOSE_CONTACT', zh: '疾控：密切接触者（红码）', en: 'CDC: close contact (red)' },
  { source: 'entry_exit', type: 'ENTRY_OVERSEAS', zh: '出入境：入境（红码）', en: 'Entry-exit: entry (red)' },
  {
    source: 'transport',
    type: 'HIGH_RISK_STAY',
    zh: '民航铁路：来自高风险地区（红码）',
    en: 'Rail and air: from a high-risk area (red)',
  },
  { source: 'peer', type: 'PEER_RED', zh: '外省：红码', en: 'Another province: red' },
  {
    source: 'hospital',
    type: 'FEVER_CLINIC',
    zh: '医院：发热门诊（黄码）',
    en: 'Hospital: fever clinic (yellow)',
  },
  {
    source: 'insurance',
    type: 'FEVER_DRUG',
    zh: '医保药店：购买退热药（黄码）',
    en: 'Insurance and pharmacy: fever drug (yellow)',
  },
  {
    source: 'transport',
    type: 'ARRIVAL_OTHER_PROV',
    zh: '民航铁路：外省抵达（黄码）',
    en: 'Rail and air: arrival from another province (yellow)',
  },
  {
    source: 'telecom',
    type: 'TELECOM_PROXIMITY',
    zh: '通信：与病例同处一地，机主已核验（黄码）',
    en: 'Telecom: near a case, owner of the phone verified (yellow)',
    more: () => ({ phoneOwnerVerified: true }),
  },
  {
    source: 'telecom',
    type: 'TELECOM_PROXIMITY',
    zh: '通信：与病例同处一地，机主未核验（不变色）',
    en: 'Telecom: near a case, owner not verified (no colour)',
  },
  { source: 'cdc', type: 'RELEASE', zh: '疾控：解除隔离', en: 'CDC: release' },
  {
    source: 'transit',
    type: 'TRANSIT_RIDE',
    zh: '地铁公交：乘车（不变色）',
    en: 'Metro and bus: a ride (no colour)',
  },
  { source: 'venue', type: 'VENUE_VISIT', zh: '公共场所：到访（不变色）', en: 'Venue: a visit (no colour)' },
  {
    source: 'community',
    type: 'COMMUNITY_ENTRY',
    zh: '社区：出入，体温 36.5 ℃（不变色）',
    en: 'Community: an entry, 36.5 °C (no colour)',
    more: () => ({ temp: 36.5 }),
  },
  { source: 'police', type: 'POLICE_CHECK', zh: '公安：核查（不变色）', en: 'Police: a check (no colour)' },
];
