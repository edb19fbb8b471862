"""The chat templates of `templates/`: what tokens they use, what they know, what they refuse, where the format is from.

Every template is written for these tests from its published format: its special tokens, their order, white space, and
refusals. Wording that a format leaves open (how tools are introduced, default system prompts) is our own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
READ = "2026-11-29"
_CPP = "https://github.com/ggml-org/llama.cpp/blob/master/"
_TESTS = _CPP + "tests/test-chat-template.cpp"
_CHAT = _CPP + "src/llama-chat.cpp"
_TRL = "https://github.com/huggingface/trl/tree/main/trl/chat_templates"
_OLLAMA = "https://github.com/huggingface/huggingface.js/blob/main/packages/ollama-utils/src/chat-template-automap.ts"
_ZHENG = "https://github.com/chujiezheng/chat_templates/tree/main/chat_templates"
_HUB = "https://huggingface.co/"

ALTERNATING = ("assistant_first", "two_users", "odd_role", "tool_result", "parallel_calls")
"""What is refused by templates in which user and assistant have to take turns."""


@dataclass(frozen=True)
class ChatTemplate:
    """A chat template.

    Args:
        name: its name, and that of its file.
        kind: the kind of tokenizer that its models have, as in `tokenizers_made.KINDS`.
        source: where its format is published.
        bos: token that begins a text; None where the tokenizer has none.
        eos: token that ends a text or a turn.
        pad: token that fills up; None where the tokenizer has none.
        unk: token for what is not known; None where the tokenizer has none.
        special: further tokens that it writes, all of them special.
        added: tokens that it writes and that are in the vocabulary without being special.
        knows: of system, tools, documents, thinking: what changes the text.
        refuses: names of the rows of `rows.PROBES` that it refuses by an exception of its own.
        variables: further variables, one set for every way to render it.
        read: when the source was read.
    """

    name: str
    kind: str
    source: str
    bos: str | None
    eos: str
    pad: str | None = None
    unk: str | None = None
    special: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    knows: frozenset[str] = frozenset({"system"})
    refuses: tuple[str, ...] = ()
    variables: tuple[dict[str, object], ...] = field(default=({},), hash=False)
    read: str = READ

    @property
    def file(self) -> Path:
        """The file of the template."""
        return TEMPLATES / f"{self.name}.jinja"

    @property
    def text(self) -> str:
        """The template itself."""
        return self.file.read_text(encoding="utf-8")

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens of its tokenizer that are looked for before all others."""
        named = (self.unk, self.bos, self.eos, self.pad)
        return tuple(dict.fromkeys([*(token for token in named if token), *self.special, *self.added]))


def _knows(words: str) -> frozenset[str]:
    return frozenset(words.split())


_S = {"bos": "<s>", "eos": "</s>", "unk": "<unk>"}
_CHATML = ("<|im_start|>", "<|im_end|>")
_THINK = ({}, {"enable_thinking": False}, {"enable_thinking": True})
_LLAMA3 = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>")
_LLAMA3_BASE = {"bos": "<|begin_of_text|>", "eos": "<|eot_id|>", "pad": "<|end_of_text|>", "special": _LLAMA3}
_INST = ("[INST]", "[/INST]")
_TOOLS_V3 = ("[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]")
_SYSTEM_V7 = ("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]")
_COHERE = (
    "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>",
)  # fmt: skip
_COHERE_BASE = {"bos": "<BOS_TOKEN>", "eos": "<|END_OF_TURN_TOKEN|>", "pad": "<PAD>", "special": _COHERE}
_DEEPSEEK = (
    "<｜User｜>", "<｜Assistant｜>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>",
    "<｜tool▁sep｜>", "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>", "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>",
)  # fmt: skip
_DEEPSEEK_BASE = {"bos": "<｜begin▁of▁sentence｜>", "eos": "<｜end▁of▁sentence｜>", "special": _DEEPSEEK}
_TURNS = ("<|system|>", "<|user|>", "<|assistant|>")
_GEMMA = {
    "bos": "<bos>", "eos": "<eos>", "pad": "<pad>", "unk": "<unk>",
    "special": ("<start_of_turn>", "<end_of_turn>", "<start_of_image>"),
}  # fmt: skip

CHAT_TEMPLATES = (
    ChatTemplate("chatml", "byte_level", _TESTS, None, "<|im_end|>", "<|endoftext|>", special=_CHATML),
    ChatTemplate("yi", "sentencepiece", _OLLAMA, "<s>", "<|im_end|>", "<unk>", "<unk>", special=_CHATML),
    ChatTemplate("llama2", "sentencepiece", _TESTS, **_S, refuses=ALTERNATING),
    ChatTemplate("llama3", "byte_level_llama3", _TESTS, **_LLAMA3_BASE),
    ChatTemplate(
        "llama3_1", "byte_level_llama3", _TRL + "/llama3_1.jinja", **_LLAMA3_BASE, knows=_knows("system tools"),
        refuses=("parallel_calls",),
        variables=({}, {"tools_in_user_message": False}, {"date_string": "1 Jan 2025"}, {"builtin_tools": ["search", "code_interpreter"]}),
    ),
    ChatTemplate(
        "llama3_2", "byte_level_llama3", _TRL + "/llama3_2.jinja", **_LLAMA3_BASE, knows=_knows("system tools"),
        refuses=("parallel_calls",), variables=({}, {"date_string": "1 Jan 2025"}),
    ),
    ChatTemplate(
        "llama4", "byte_level_llama3", _OLLAMA, "<|begin_of_text|>", "<|eot|>", "<|finetune_right_pad|>",
        special=("<|header_start|>", "<|header_end|>", "<|eot|>", "<|python_start|>", "<|python_end|>", "<|image|>"),
        knows=_knows("system tools"),
    ),
    ChatTemplate("mistral_v1", "sentencepiece", _TESTS, **_S, refuses=(*ALTERNATING, "lone_result")),
    ChatTemplate(
        "mistral_v3", "sentencepiece", _TESTS, **_S, special=(*_INST, *_TOOLS_V3), knows=_knows("system tools"),
        refuses=("assistant_first", "two_users", "odd_role", "long_call_id"),
    ),
    ChatTemplate(
        "mistral_v7", "sentencepiece", _TESTS, **_S, special=(*_INST, *_SYSTEM_V7), refuses=("odd_role", "tool_result", "parallel_calls", "lone_result"),
    ),
    ChatTemplate(
        "mistral_tekken", "byte_level_llama3", _CPP + "models/templates/mistralai-Mistral-Small-3.1-24B-Instruct-2503.jinja",
        **_S, pad="<pad>", special=(*_INST, *_SYSTEM_V7, *_TOOLS_V3, "[CALL_ID]", "[ARGS]", "[TOOL_CONTENT]", "[IMG]"),
        knows=_knows("system tools"), refuses=("odd_role",),
    ),
    ChatTemplate("gemma2", "sentencepiece", _TESTS, **_GEMMA, knows=_knows(""), refuses=("system", *ALTERNATING)),
    ChatTemplate("gemma3", "unigram", _TRL + "/gemma3.jinja", **_GEMMA, refuses=ALTERNATING),
    ChatTemplate(
        "qwen2_5", "byte_level", _TRL + "/qwen2_5.jinja", None, "<|im_end|>", "<|endoftext|>", special=_CHATML,
        added=("<tool_call>", "</tool_call>"), knows=_knows("system tools"),
    ),
    ChatTemplate(
        "qwen3", "byte_level", _TRL + "/qwen3.jinja", None, "<|im_end|>", "<|endoftext|>", special=_CHATML,
        added=("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"),
        knows=_knows("system tools thinking"), variables=_THINK,
    ),
    ChatTemplate(
        "phi3", "sentencepiece", _TRL + "/phi3.jinja", "<s>", "<|endoftext|>", "<|endoftext|>", "<unk>",
        special=(*_TURNS, "<|end|>"),
    ),
    ChatTemplate(
        "phi4", "byte_level", _TESTS, "<|endoftext|>", "<|im_end|>", "<|dummy_85|>", special=(*_CHATML, "<|im_sep|>"),
    ),
    ChatTemplate(
        "phi4_mini", "byte_level", _CPP + "models/templates/llama-cpp-microsoft-Phi-4-mini-instruct.jinja",
        "<|endoftext|>", "<|endoftext|>", "<|endoftext|>", special=(*_TURNS, "<|end|>", "<|tool|>", "<|/tool|>"),
    ),
    ChatTemplate("deepseek_v3", "byte_level", _TRL + "/deepseekv3.jinja", **_DEEPSEEK_BASE),
    ChatTemplate(
        "deepseek_r1", "byte_level", _TRL + "/deepseek_r1_distill.jinja", **_DEEPSEEK_BASE, added=("<think>", "</think>"),
        knows=_knows("system thinking"),
    ),
    ChatTemplate("command_r", "byte_level", _TESTS, **_COHERE_BASE, refuses=ALTERNATING),
    ChatTemplate(
        "command_r_rag", "byte_level", "https://docs.cohere.com/docs/prompting-command-r", **_COHERE_BASE,
        knows=_knows("system documents"), variables=({}, {"citation_mode": "fast"}),
    ),
    ChatTemplate(
        "command_r_tool_use", "byte_level", "https://docs.cohere.com/docs/prompting-command-r", **_COHERE_BASE,
        knows=_knows("system tools"), refuses=("odd_role",),
    ),
    ChatTemplate("aya", "byte_level", _TRL + "/cohere.jinja", **_COHERE_BASE, refuses=ALTERNATING),
    ChatTemplate(
        "granite3", "byte_level", _OLLAMA, "<|end_of_text|>", "<|end_of_text|>", "<|end_of_text|>", "<|end_of_text|>",
        special=("<|start_of_role|>", "<|end_of_role|>", "<|tool_call|>"), knows=_knows("system tools documents thinking"),
        variables=({}, {"thinking": True}, {"controls": {"citations": True, "length": "short"}}),
    ),
    ChatTemplate(
        "smollm3", "byte_level_llama3", _HUB + "HuggingFaceTB/SmolLM3-3B/blob/main/chat_template.jinja", None, "<|im_end|>",
        "<|im_end|>", special=_CHATML, added=("<think>", "</think>"), knows=_knows("system tools thinking"),
        variables=(*_THINK, {"python_tools": ["def look(at: str): ...", "def go(): ..."]}, {"xml_tools": [{"name": "look"}]}),
    ),
    ChatTemplate(
        "glm4", "byte_level", _TESTS, None, "<|endoftext|>", "<|endoftext|>",
        special=("[gMASK]", "<sop>", *_TURNS, "<|observation|>"),
    ),
    ChatTemplate(
        "glm4_5", "byte_level", _TRL + "/glm4moe.jinja", None, "<|endoftext|>", "<|endoftext|>",
        special=("[gMASK]", "<sop>", *_TURNS, "<|observation|>"), added=("<think>", "</think>", "<tool_call>", "<arg_key>"),
        knows=_knows("system tools thinking"), variables=_THINK,
    ),
    ChatTemplate(
        "olmo2", "byte_level", "https://facebookresearch.github.io/fairseq2/stable/_modules/fairseq2/models/olmo/tokenizer.html",
        "<|endoftext|>", "<|endoftext|>", "<|pad|>", "<|endoftext|>",
    ),
    ChatTemplate("zephyr", "sentencepiece", _ZHENG + "/zephyr.jinja", **_S, pad="</s>"),
    ChatTemplate("tinyllama", "sentencepiece", _CHAT, **_S, pad="</s>"),
    ChatTemplate("stablelm", "byte_level", _CHAT, "<|endoftext|>", "<|endoftext|>", "<|endoftext|>", special=_TURNS[1:]),
    ChatTemplate(
        "falcon3", "byte_level", _CHAT, None, "<|endoftext|>", "<|pad|>", special=_TURNS, knows=_knows("system tools"),
    ),
    ChatTemplate(
        "internlm2", "sentencepiece", "https://github.com/InternLM/InternLM/blob/main/chat/chat_format.md", **_S, pad="</s>",
        special=(*_CHATML, "<|action_start|>", "<|action_end|>", "<|interpreter|>", "<|plugin|>"), knows=_knows("system tools"),
    ),
    ChatTemplate(
        "gpt_oss", "byte_level_llama3", _TRL + "/gptoss.jinja", "<|startoftext|>", "<|return|>", "<|endoftext|>",
        special=("<|start|>", "<|message|>", "<|end|>", "<|channel|>", "<|call|>", "<|constrain|>"),
        knows=_knows("system tools thinking"), refuses=("tool_result", "channel_tags", "thinking_call", "lone_result"),
        variables=({}, {"reasoning_effort": "high", "builtin_tools": ["python", "browser", "other"]}, {"model_identity": "You are Ada."}),
    ),
    ChatTemplate("vicuna", "wordpiece", _TESTS, **_S, pad="<unk>", refuses=ALTERNATING),
    ChatTemplate("alpaca", "unigram", _ZHENG + "/alpaca.jinja", **_S),
    ChatTemplate(
        "nemotron", "byte_level_llama3", _CPP + "models/templates/nvidia-Llama-3_3-Nemotron-Super-49B-v1_5.jinja",
        **_LLAMA3_BASE, knows=_knows("system tools thinking"),
    ),
    ChatTemplate(
        "hermes2", "byte_level_llama3", _CPP + "models/templates/README.md", "<|begin_of_text|>", "<|im_end|>", "<|im_end|>",
        special=_CHATML, added=("<tool_call>", "<tool_response>"), knows=_knows("system tools"),
    ),
    ChatTemplate("solar", "sentencepiece", _ZHENG + "/solar-instruct.jinja", **_S, pad="</s>", refuses=ALTERNATING),
    ChatTemplate("openchat", "sentencepiece", _TESTS, "<s>", "<|end_of_turn|>", "<|end_of_turn|>", "<unk>"),
    ChatTemplate(
        "jamba", "unigram", _HUB + "ai21labs/Jamba-v0.1/blob/main/special_tokens_map.json", "<|startoftext|>", "<|endoftext|>",
        "<|pad|>", "<|unk|>", special=("<|bom|>", "<|eom|>", *_TURNS, "<|tool|>"), knows=_knows("system tools documents"),
        refuses=("odd_role",),
    ),
    ChatTemplate(
        "exaone", "byte_level", _CHAT, "[BOS]", "[|endofturn|]", "[PAD]", "[UNK]",
        special=("[|system|]", "[|user|]", "[|assistant|]"),
    ),
    ChatTemplate(
        "kimi_k2", "byte_level_llama3", _CPP + "models/templates/moonshotai-Kimi-K2.jinja", "[BOS]", "<|im_end|>", "[PAD]",
        "[UNK]", special=(
            "<|im_system|>", "<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|tool_calls_section_begin|>",
            "<|tool_calls_section_end|>", "<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>",
        ), knows=_knows("system tools"),
    ),
    ChatTemplate(
        "every_feature", "wordpiece", "https://jinja.palletsprojects.com/en/stable/templates/", "[CLS]", "[SEP]", None, "[UNK]",
    ),
)  # fmt: skip

BY_NAME = {template.name: template for template in CHAT_TEMPLATES}
