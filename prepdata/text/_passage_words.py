"""How retrieved context is named: keys of rows and passages, headings, tags, tools. Written for this project.

Keys: `documents` of `title` and `text` are what chat templates take (Hugging Face, "Tools and RAG", 2025-04);
`passages` of `passage_text` and `is_selected` are MS MARCO's; `contexts` and `positive_ctx_idx` GermanRAG's; `context`
and `oracle_context` RAFT's (Zhang et al., 2024); `retrieved_contexts` Ragas'; `page_content` LangChain's. Tags are
those of Anthropic's guide to long prompts (2025-10), `<DOCUMENT>` RAFT's.
"""

from __future__ import annotations

LISTS = (
    "passages", "documents", "contexts", "retrieved_contexts", "retrieved_documents", "retrieved_passages", "context",
    "docs", "ctxs", "chunks", "snippets", "search_results",
)  # fmt: skip
"""Keys of a row that hold its passages, the surest first."""
GOLD = ("gold", "gold_ids", "gold_passages", "gold_documents", "relevant_ids", "oracle_context")
"""Keys of a row that name its true passages, by id, by name or by text."""
GOLD_INDEX = ("positive_ctx_idx", "gold_idx", "gold_index", "positive_idx")
"""Keys of a row that count to its true passage from 0; -1 for none."""
ANSWERABLE = ("answerable", "is_answerable", "has_answer")
UNANSWERABLE = ("unanswerable", "is_unanswerable", "is_impossible")
"""Keys of a row that tell whether its context holds the answer: true, false, or 1, 0."""

TEXT = (
    "text", "content", "passage_text", "page_content", "passage", "body", "snippet", "chunk", "contents", "paragraph",
    "context", "document", "sentences",
)  # fmt: skip
"""Keys of a passage that hold its text."""
ID = ("id", "doc_id", "docid", "document_id", "passage_id", "chunk_id", "pid", "index", "idx")
NAME = ("source", "title", "url", "file", "path", "filename", "name")
TRUE = ("gold", "is_gold", "is_selected", "relevant", "is_relevant", "is_supporting", "positive", "is_positive",
        "oracle", "is_oracle")  # fmt: skip
"""Keys of a passage that mark it as the true one."""

HEADINGS = (
    "context", "contexts", "context information", "documents", "document", "passages", "passage", "sources", "excerpts",
    "snippets", "search results", "knowledge base", "reference material", "reference text", "article",
    "kontext", "dokumente", "quellen", "textabschnitte", "textstellen", "suchergebnisse", "auszüge",
    "contexte", "extraits", "résultats de recherche",
    "contexto", "documentos", "pasajes", "fuentes", "fragmentos", "resultados de búsqueda",
    "passagens", "trechos", "fontes", "resultados da pesquisa",
    "contesto", "documenti", "brani", "passaggi", "fonti", "estratti", "risultati della ricerca",
    "documenten", "bronnen", "fragmenten", "zoekresultaten",
    "kontekst", "dokumenty", "fragmenty", "źródła", "kontextus", "dokument", "källor", "konteksti",
    "контекст", "документы", "фрагменты", "источники", "результаты поиска", "документи", "фрагменти", "джерела",
    "bağlam", "belgeler", "kaynaklar", "konteks", "dokumen", "ngữ cảnh", "tài liệu", "συμφραζόμενα", "πλαίσιο",
    "הקשר", "מסמכים", "מקורות", "السياق", "المستندات", "المصادر", "संदर्भ", "दस्तावेज़",
    "上下文", "背景信息", "背景资料", "参考资料", "参考文档", "参考信息", "文档", "资料", "已知信息", "检索结果",
    "知识库",
    "コンテキスト", "文脈", "参考資料", "参考文書", "検索結果", "文書", "資料",
    "문맥", "컨텍스트", "참고 자료", "참고자료", "문서", "검색 결과",
)  # fmt: skip
"""Words that stand, with a colon, above retrieved text."""
UNITS = (
    "document", "doc", "passage", "source", "context", "excerpt", "chunk", "snippet", "search result",
    "dokument", "quelle", "auszug", "textabschnitt", "textstelle", "kontext", "extrait", "documento", "pasaje",
    "fuente", "fragmento", "trecho", "fonte", "brano", "estratto", "bron", "fragment", "źródło", "документ",
    "фрагмент", "источник", "belge", "kaynak", "文档", "资料", "段落", "片段", "参考资料", "文書", "資料", "문서",
    "자료",
)  # fmt: skip
"""Words that stand, with a number, above one passage."""
ORIGINS = ("source", "file", "document", "url", "quelle", "datei", "fichier", "fuente", "fonte", "bron", "来源", "文件",
           "出典", "출처")  # fmt: skip
"""Words that stand, with a file name or an address, above one passage."""
ENGLISH = frozenset({
    "context", "contexts", "context information", "documents", "document", "passages", "passage", "sources", "excerpts",
    "snippets", "search results", "knowledge base", "reference material", "reference text", "article", "doc",
    "source", "excerpt", "chunk", "snippet", "search result", "file", "url",
})  # fmt: skip
"""Those of these words that are English, or common in it."""
ENDS = (
    "question", "questions", "query", "user question", "user query", "task", "instruction", "instructions", "answer",
    "frage", "aufgabe", "anweisung", "antwort", "requête", "réponse", "consigne", "pregunta", "consulta", "respuesta",
    "pergunta", "resposta", "domanda", "risposta", "vraag", "antwoord", "pytanie", "odpowiedź", "fråga", "otázka",
    "вопрос", "ответ", "питання", "soru", "pertanyaan", "câu hỏi", "שאלה", "תשובה",
    "السؤال", "प्रश्न", "问题", "問題", "用户问题", "回答",
    "質問", "问", "질문",
)  # fmt: skip
"""Words that stand, with a colon, where retrieved text ends."""

OUTER_TAGS = ("context", "documents", "passages", "sources", "search_results", "retrieved_documents", "knowledge_base")
INNER_TAGS = ("document", "doc", "passage", "chunk", "excerpt", "snippet", "search_result")

TASKS = (
    r"\b(?:summar\w+|translat\w+|rewrit\w+|rephras\w+|paraphras\w+|proofread\w*|classif\w+|continue|imagin\w+"
    r"|(?:write|compose|draft|create|generate|give|make up|invent|tell)\b.{0,40}\b(?:story|stories|poem|song|dialogue"
    r"|email|e-mail|letter|essay|article|questions?|post|tweet|script|scene|headline|title|code|function)"
    r"|zusammenfass\w*|fasse\b.{0,60}\bzusammen|übersetz\w*|résum\w+|tradui\w+|resum\w+|traduc\w+|traduz\w+"
    r"|riassum\w+|riassunto|перевед\w+|резюмир\w+)\b|总结|翻译|改写|续写|要約|翻訳|요약|번역"
)
"""What a prompt asks for where the text in it is to be worked on, not to be asked about."""

RETRIEVING = (
    r"retriev|knowledge|file_search|web_search|search_(?:web|internet|docs?|kb)|semantic_search|vector"
    r"|(?:^|[_-])(?:kb|rag|docs?|faqs?|wiki\w*|passages?|documents?|articles?|documentation)(?:$|[_-])"
)
"""Names of tools whose results are retrieved text."""
