"""Words by which edge cases among prompts are told. Written for this project; all in lower case."""

from __future__ import annotations

INJECTION: tuple[str, ...] = (
    "ignore previous instruction", "ignore all previous", "ignore the previous", "ignore your previous",
    "ignore the above", "ignore everything above", "ignore all the above", "ignore all prior",
    "ignore prior instruction", "ignore your instruction", "ignore all instruction", "ignore any instruction",
    "ignore these instruction", "ignore the instruction", "ignore all rules", "ignore your rules",
    "ignore the rules", "ignore my previous", "disregard previous", "disregard all previous",
    "disregard the previous", "disregard the above", "disregard your", "disregard all", "disregard any",
    "forget previous instruction", "forget all previous", "forget your instruction", "forget the instruction",
    "forget everything above", "forget everything you were told", "override your instruction",
    "override the system", "your system prompt", "the system prompt", "reveal your prompt",
    "reveal your instruction", "print your instruction", "show me your instruction", "show your instruction",
    "repeat your instruction", "what are your instructions", "what is your system", "your initial prompt",
    "your hidden prompt", "your original instructions", "repeat the words above", "repeat everything above",
    "repeat the text above", "developer mode", "jailbreak", "do anything now", "you are now dan", "act as dan",
    "pretend you have no", "pretend there are no", "without any restrictions", "no restrictions apply",
    "bypass your", "bypass the filter", "bypass all", "new instructions:", "system override", "admin mode",
    "debug mode", "sudo mode", "you are no longer", "from now on you are", "from now on, you are", "ignoriere alle",
    "ignoriere die vorherigen", "ignoriere deine", "ignoriere bisherige", "vergiss alle vorherigen",
    "vergiss deine anweisungen", "dein systemprompt", "deinen systemprompt", "deine anweisungen aus",
    "ignorieren sie alle", "ignore toutes les instructions", "ignorez toutes", "ignore les instructions",
    "ignorez les instructions", "oublie tes instructions", "oubliez vos instructions", "oublie toutes les",
    "ton prompt système", "votre prompt système", "ignora las instrucciones", "ignora todas",
    "ignora tus instrucciones", "ignore las instrucciones", "olvida tus instrucciones", "olvida las instrucciones",
    "olvida todo lo anterior", "tu prompt de sistema", "prompt del sistema", "ignore as instruções",
    "ignore todas as", "ignore suas instruções", "esqueça as instruções", "esqueça suas instruções", "esqueça tudo",
    "prompt do sistema", "ignora le istruzioni", "ignora tutte le", "ignora le tue", "dimentica le istruzioni",
    "dimentica tutto", "prompt di sistema", "negeer alle", "negeer de vorige", "negeer je instructies",
    "vergeet alle", "zignoruj poprzednie", "zignoruj wszystkie", "zapomnij o poprzednich", "önceki talimatları",
    "talimatlarını unut", "игнорируй предыдущие", "игнорируй все", "игнорируйте предыдущие",
    "забудь все предыдущие", "забудь предыдущие", "забудь свои инструкции", "твой системный промпт",
    "системный промпт", "ігноруй попередні", "забудь попередні", "تجاهل التعليمات", "تجاهل جميع", "पिछले निर्देशों",
    "सभी निर्देशों को अनदेखा", "忽略之前", "忽略以上", "忽略上述", "忽略前面", "忽略所有", "无视之前", "无视以上",
    "你的系统提示", "系统提示词", "以前の指示を無視", "上記の指示を無視", "これまでの指示を無視", "指示を無視",
    "システムプロンプト", "이전 지시", "이전의 지시", "지시를 무시", "시스템 프롬프트",
)  # fmt: skip
"""Tries to talk the assistant out of its instructions, or to get at them."""

TYPOS: tuple[str, ...] = (
    "teh", "hte", "recieve", "recieved", "definately", "seperate", "seperately", "occured", "untill", "wich",
    "becuase", "becasue", "thier", "alot", "pls", "plz", "plss", "thx", "dont", "cant", "wont", "doesnt", "isnt",
    "didnt", "wasnt", "havent", "hasnt", "couldnt", "shouldnt", "wouldnt", "arent", "ive", "youre", "whats",
    "wheres", "hows", "thats", "gonna", "wanna", "gimme", "ur", "can u", "do u", "if u", "u can", "thank u",
    "are u", "u r", "r u", "wut", "idk", "tommorow", "tommorrow", "tomorow", "begining", "wierd", "freind",
    "beleive", "goverment", "enviroment", "recomend", "adress", "accomodate", "neccessary", "waht", "hwo", "cna",
    "yuo", "taht", "adn", "nto", "shoud", "woud", "coud", "abotu", "knwo", "liek", "helo", "hlep", "questoin",
    "anser", "passwrod", "pasword", "acount", "acct", "ordr", "delivry", "refnd", "refudn", "shiping", "canot",
    "cancle", "cancell", "biling", "invocie", "recipt", "emial", "prolem", "probem", "porblem", "nciht", "ncht",
    "keien", "bitt", "pasword", "stp", "jai", "cest", "jarrive", "porfa", "xq", "tmb", "vc", "pq", "нечего", "щас",
    "пжл", "пжлст", "спс",
)  # fmt: skip
"""Misspelt and clipped words, looked for as whole words."""

CODE: tuple[str, ...] = (
    "```", "\ndef ", "    def ", "def __", "import numpy", "import pandas", "import os", "import re", "import sys",
    "import json", "from django", "#include", "();", "):\n", "</", "/>", "=>", "==", "!=", "+=", "console.log",
    "print(", "printf(", "println(", "select * from", "insert into ", "group by ", "inner join", "function(",
    "function (", "public class", "public static", "std::", "<?php", "traceback (most recent",
    "exception in thread", "npm install", "pip install", "sudo apt", "git clone", "git commit", "docker run",
    "docker-compose", "kubectl ", "nullpointerexception", "typeerror:", "valueerror:", "syntaxerror",
    "segmentation fault", "async def", "return self.", "<div", "<html", "\\begin{", "\\frac{", "{\"", "{'",
)  # fmt: skip
"""Pieces of code, markup and error output."""
