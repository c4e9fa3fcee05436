import type { Message } from '../message';
import type { gpu as en } from '../en/gpu';

export const gpu: Readonly<Record<keyof typeof en, Message>> = {
  'gpu.driver_missing':
    '未找到 NVIDIA 驱动程序（缺少其库 {library}），因此使用 CPU 训练。如果此机器装有 NVIDIA 显卡，请安装驱动程序。',
  'gpu.driver_not_loaded': 'NVIDIA 驱动程序已安装但未加载；请重启机器，或检查显卡是否在位。',
  'gpu.driver_replaced': 'NVIDIA 驱动程序在运行期间被更新；请重启机器以启用新版本。',
  'gpu.driver_refuses': '当前用户无权读取 NVIDIA 驱动程序。',
  'gpu.driver_silent': 'NVIDIA 驱动程序没有应答（状态 {status}）；请重启机器，或重新安装驱动程序。',
  'gpu.driver_foreign': '{library} 不是 NVIDIA 驱动程序的库；请重新安装驱动程序。',
  'gpu.driver_too_old':
    'NVIDIA 驱动程序过旧：它支持 CUDA {supported}，而需要 CUDA {required}。请安装 {driver} 或更新的驱动程序；在此之前使用 CPU 训练。',
  'gpu.driver_error': 'NVIDIA 驱动程序返回错误。',
  'gpu.no_card': '已安装 NVIDIA 驱动程序 {driver}，但它没有报告任何 GPU。',
  'gpu.card_lost': 'GPU 已停止应答；请重启机器。',
  'gpu.card_unreadable': '无法读取 GPU {index}：{cause}',
  'gpu.card_unusable': 'GPU 引擎没有找到可用的 GPU。目前使用 CPU 训练；重新启动 VisAIon 后会再次尝试。',
  'gpu.libraries_missing':
    'NVIDIA 驱动程序已就绪，但缺少 CUDA 库：{files}。请安装 GPU 组件包，或在设置中指定含有这些库的文件夹（CUDA 13 工具包，或装有 NVIDIA 软件包的 Python 环境）。',
  'gpu.library_of_other_version':
    '{library} 是为 CUDA {found} 制作的，而需要 CUDA {required}。请安装 GPU 组件包，或在设置中指定含有 CUDA {required} 库的文件夹；在重新启动 VisAIon 之前使用 CPU 训练。',
  'gpu.engine_missing': 'GPU 引擎（{file}）不在本程序旁边；请安装 VisAIon 的 GPU 软件包。',
  'gpu.engine_unusable': '无法使用 GPU 引擎。目前使用 CPU 训练；重新启动 VisAIon 后会再次尝试。',
  'gpu.reported': '程序原文：{words}',

  'gpu.other_named': '另一个程序（{name}）',
  'gpu.other_unnamed': '另一个程序（进程 {pid}）',
  'gpu.other_uses': '{who}占用此卡 {bytes} 显存。',
  'gpu.other_uses_some': '{who}也在使用此卡；驱动程序没有给出它占用多少显存。',
  'gpu.others_use': '另有 {n} 个程序占用此卡 {bytes} 显存：{list}。',
  'gpu.others_use_some': '另有 {n} 个程序在使用此卡：{list}。驱动程序没有给出它们占用多少显存。',
  'gpu.program_unnamed': '进程 {pid}',
  'gpu.list_separator': '、',
  'gpu.list_more': '{list}等',
};
