extension CalibrationReport {
    /// Colours follow the reader's light or dark setting; s0 to s6 go from least to most and stay apart for the
    /// colour-blind, as their lightness goes one way.
    static let styleSheet: StaticString = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1c2127;--soft:#535d68;--line:#c9d0d7;--grid:#e4e8ec;
        --panel:#f4f6f8;--accent:#0b6a99;--band:#0b6a9933;--ahead:#7a4fa855;--warm:#b3420a;--warn:#fdf1e4;--heat:11,106,153;
        --s0:#f8f4b4;--s1:#afde95;--s2:#49c798;--s3:#00a6a8;--s4:#007dac;--s5:#0a5099;--s6:#32276e}
        @media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e6e9ec;--soft:#a4aeb8;--line:#414a54;--grid:#2b323a;
        --panel:#1c2229;--accent:#56b4e4;--band:#56b4e440;--ahead:#b08be066;--warm:#f0945a;--warn:#35271a;--heat:86,180,228;
        --s0:#39346a;--s1:#225797;--s2:#0080ac;--s3:#00a7a8;--s4:#47c496;--s5:#aad991;--s6:#efecaf}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:76rem;padding:1rem clamp(.9rem,3vw,2.5rem) 4rem;background:var(--paper);color:var(--ink);
        font:1rem/1.55 system-ui,sans-serif}
        h1{font-size:clamp(1.5rem,4vw,2.2rem);line-height:1.2;margin:.1em 0 .3em}
        h2{font-size:1.45rem;margin:0 0 .6em;line-height:1.25}
        h3{font-size:1.1rem;margin:1.6em 0 .4em}
        p,li,dd{max-width:44rem}
        .kind{margin:1rem 0 0;color:var(--soft);font-weight:600}
        .lead{font-size:1.1rem;margin-top:0}
        .note,.unit{color:var(--soft);font-size:.9rem}
        .warning{border-left:4px solid var(--warm);background:var(--warn);padding:.6rem .9rem}
        a{color:var(--accent)}
        nav ol{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:.8rem 1rem;margin:1rem 0;background:var(--panel);
        border-radius:.4rem;list-style:none}
        section{padding-top:2.2rem;margin-top:2.2rem;border-top:1px solid var(--line)}
        section:first-child{border:0;margin:0;padding-top:.5rem}
        :focus-visible{outline:3px solid var(--accent);outline-offset:2px}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(9.5rem,45%),1fr));gap:.7rem;margin:1.2rem 0;
        padding:0;list-style:none;max-width:60rem}
        .tiles li{background:var(--panel);border-radius:.4rem;padding:.7rem .9rem}
        .tiles span{display:block;color:var(--soft);font-size:.85rem;line-height:1.3}
        .tiles strong{font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums}
        @media (min-width:50rem){.tiles{grid-template-columns:repeat(4,1fr)}}
        .terms{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.3rem 1.2rem}
        .terms dt{font-weight:600}
        .terms dd{margin:0}
        .scroll{overflow-x:auto;margin:1.1rem 0;max-width:100%}
        table{border-collapse:collapse;min-width:min(22rem,100%);font-size:.88rem;font-variant-numeric:tabular-nums}
        caption{text-align:left;font-weight:600;padding:.2rem 0 .5rem;max-width:min(44rem,88vw)}
        th,td{padding:.22rem .6rem;text-align:right;vertical-align:top;border-bottom:1px solid var(--grid);
        white-space:nowrap}
        thead th{vertical-align:bottom;border-bottom:1px solid var(--soft);white-space:normal;line-height:1.25}
        tbody th{font-weight:400}
        th[scope=row]{position:sticky;left:0;background:var(--paper)}
        tfoot th,tfoot td{font-weight:600;border-bottom:0;border-top:1px solid var(--soft)}
        .text,.prose{text-align:left}
        tbody .prose{white-space:normal;min-width:11rem;max-width:34rem}
        th:first-child{padding-left:0}
        .upright thead th:not(.text) span{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left}
        .upright thead th:not(.text){padding-left:.25rem;padding-right:.25rem}
        .upright td{padding-left:.45rem;padding-right:.45rem}
        .heat-1{background:rgba(var(--heat),.05)}.heat-2{background:rgba(var(--heat),.1)}
        .heat-3{background:rgba(var(--heat),.16)}.heat-4{background:rgba(var(--heat),.22)}
        .heat-5{background:rgba(var(--heat),.28)}.heat-6{background:rgba(var(--heat),.35)}
        details{margin:1rem 0}
        summary{cursor:pointer;font-weight:600;padding:.3rem 0}
        figure{margin:1rem 0;min-width:0}
        figcaption{font-weight:600;font-size:.95rem;margin-bottom:.2rem}
        .multiples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15.5rem),1fr));gap:.6rem 1.4rem}
        .multiples figure{margin:.4rem 0}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:.5rem 2.5rem;
        align-items:start}
        .beside{display:flex;flex-wrap:wrap;gap:.5rem 2.5rem;align-items:flex-start}
        .beside figure{flex:1 1 min(100%,20rem);max-width:min(100%,30rem)}
        .beside .scroll{flex:0 1 auto;min-width:0}
        .plot{display:block;width:100%;height:auto;max-width:34rem;font:11px system-ui,sans-serif}
        .multiples .plot{max-width:22rem}
        .wide .plot,.plot.large{max-width:38rem}
        .circles{max-width:40rem;margin:0 auto}
        .label{fill:var(--soft)}
        .place{fill:var(--ink);font-size:11px;font-weight:600;paint-order:stroke;stroke:var(--paper);stroke-width:3px;
        stroke-linejoin:round;pointer-events:none}
        .grid{stroke:var(--grid);fill:none}
        .axis{stroke:var(--soft);fill:none}
        .line-accent{stroke:var(--accent);stroke-width:2;fill:none}
        .line-thin{stroke:var(--line);stroke-width:2;fill:none}
        .line-dash{stroke:var(--soft);stroke-dasharray:4 3;fill:none}
        .dots,.dots-large,.dots-faint{fill:none;stroke:var(--ink);stroke-width:3.4;stroke-linecap:round;
        stroke-opacity:.62}
        .dots-large{stroke:var(--accent);stroke-width:8;stroke-opacity:1}
        .dots-faint{stroke:var(--soft);stroke-width:2.4}
        .fill-accent,.box-accent{fill:var(--accent);background:var(--accent)}
        .fill-warm,.box-warm{fill:var(--warm);background:var(--warm)}
        .fill-band,.band{fill:var(--band);background:var(--band)}
        .fill-ahead,.ahead{fill:var(--ahead);background:var(--ahead)}
        .fill-break{fill:var(--warn)}
        .box-open{fill:var(--paper);stroke:var(--warm);stroke-width:2}
        .box-0{fill:var(--s0);background:var(--s0)}.box-1{fill:var(--s1);background:var(--s1)}
        .box-2{fill:var(--s2);background:var(--s2)}.box-3{fill:var(--s3);background:var(--s3)}
        .box-4{fill:var(--s4);background:var(--s4)}.box-5{fill:var(--s5);background:var(--s5)}
        .box-6{fill:var(--s6);background:var(--s6)}
        .rule-0{stroke:var(--warm);stroke-width:1.8;fill:none}
        .rule-1{stroke:var(--s3);stroke-width:1.8;stroke-dasharray:6 2;fill:none}
        .rule-2{stroke:var(--ink);stroke-width:1.6;stroke-dasharray:1.5 2.5;fill:none}
        .rule-3{stroke:var(--soft);stroke-width:1.8;stroke-dasharray:7 2 1.5 2;fill:none}
        .circles circle{fill:var(--s0);stroke:var(--paper);stroke-width:.6}
        .many circle{stroke-width:.15}
        .key,.legend{display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;list-style:none;padding:0;margin:.5rem 0;
        font-size:.88rem;align-items:center}
        .map .legend{display:none}
        .mark{display:inline-block;width:1rem;height:.75rem;margin-right:.4rem;vertical-align:-.05rem}
        .key .line-accent{height:0;border-top:2px solid var(--accent);vertical-align:.25rem}
        .key .line-dash{height:0;border-top:2px dashed var(--soft);vertical-align:.25rem}
        .key .dot{width:.45rem;height:.45rem;border-radius:50%;background:var(--ink);opacity:.62;vertical-align:.1rem}
        .key .inside{width:.3rem;height:.3rem;border-radius:50%;background:var(--soft);vertical-align:.15rem}
        .key .dot-large{width:.7rem;height:.7rem;border-radius:50%;background:var(--accent)}
        .key .box-open{width:.65rem;height:.65rem;border:2px solid var(--warm);background:var(--paper)}
        .key .above,.key .below{width:0;height:0;border:.38rem solid transparent;border-bottom-color:var(--warm);
        vertical-align:.2rem}
        .key .below{border-color:transparent;border-top-color:var(--accent);vertical-align:-.2rem}
        .key .gap::after{content:"×";line-height:.75rem;color:var(--soft)}
        .key .rule-0{height:0;border-top:2px solid var(--warm);vertical-align:.25rem}
        .key .rule-1{height:0;border-top:2px dashed var(--s3);vertical-align:.25rem}
        .key .rule-2{height:0;border-top:2px dotted var(--ink);vertical-align:.25rem}
        .key .rule-3{height:0;border-top:2px dashed var(--soft);vertical-align:.25rem}
        .map{position:relative;border:0;padding:0;margin:1.5rem 0;min-width:0}
        .map legend{font-weight:600;padding:0;margin-bottom:.5rem}
        .map input{position:absolute;opacity:0}
        .map label{display:inline-block;padding:.15rem .6rem;margin:0 .3rem .35rem 0;border:1px solid var(--line);
        border-radius:1rem;font-size:.85rem;cursor:pointer}
        .map input:checked+label{background:var(--accent);border-color:var(--accent);color:var(--paper)}
        .map input:focus-visible+label{outline:3px solid var(--accent);outline-offset:2px}
        @media (max-width:36rem){.wide .plot,.circles,
        .circles .place{font-size:14px}}
        @media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:10pt}nav{display:none}
        figure,tr,.tiles li{break-inside:avoid}h2,h3,caption,figcaption{break-after:avoid}.scroll{overflow:visible}
        .map input,.map label{display:none}a{color:inherit}
        *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}

        """
}
