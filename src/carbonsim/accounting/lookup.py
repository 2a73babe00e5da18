"""Finds factors for one sector: in the table sets that its accounting declares, with what to supply where none is."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from carbonsim.accounting.core import SectorAccounting, sector_accounting
from carbonsim.accounting.formula import NAN, Term
from carbonsim.errors import InputError, Issue, did_you_mean, shorten
from carbonsim.inputs.factor_names import PROVINCE
from carbonsim.inputs.factors import Factors
from carbonsim.inputs.grid_factors import grid_factor
from carbonsim.inputs.table_checks import records
from carbonsim.units import canonical, conversion_factor

CO2_PER_CARBON: Final = 44 / 12  # ratio of molar masses as every guideline writes it
HEAT: Final = "purchased_heat"
OXIDES: Final = ("_CaO", "_MgO")  # how the unit of a factor per tonne of oxide ends
NATION: Final = "China"
AVERAGES: Final = ("average", "notice")  # of all electricity of a grid
SET_MARK: Final = ":"


@dataclass(frozen=True, slots=True)
class Ask:
    """What one row of activity asks for: method, factor cells, year, and which terms the enterprise gives itself."""

    method: str
    factor: str = ""
    gas_factor: str = ""
    given: frozenset[str] = frozenset()
    year: int = 0
    region: str = ""
    has_evidence: bool = False


@dataclass(frozen=True, slots=True)
class Fuel:
    """A fuel as found: unit of the activity, its entry in results, and its three terms."""

    unit: str
    factor: str
    source: str
    basis: str
    net_calorific_value: Term
    carbon_content: Term
    oxidation: Term

    @property
    def terms(self) -> tuple[Term, Term, Term]:
        """Calorific value, carbon content and oxidation."""
        return self.net_calorific_value, self.carbon_content, self.oxidation


def carbon_dioxide_per_heat() -> float:
    """Turns heat [GJ] times carbon content [tC/TJ] into tonnes of carbon dioxide."""
    return conversion_factor("GJ", "TJ") * CO2_PER_CARBON


def refuse(message: str, chinese: str, hint: str = "", hint_zh: str = "") -> InputError:
    """The error of a factor that cannot be used; the caller adds the row."""
    return InputError(Issue("factor", "", message, chinese, hint, hint_zh))


class FactorFinder:
    """Finds factors for one sector in the table sets that its accounting declares."""

    def __init__(self, sector: str, factors: Factors) -> None:
        self.sector = sector
        self.accounting: type[SectorAccounting] = sector_accounting(sector)
        self.factors = factors
        self._fuels = {(str(row.table_set), str(row.fuel)): row for row in factors.fuels.itertuples()}
        self._process = {str(row["factor"]): row for row in records(factors.process)}

    def for_sector(self, sector: str) -> FactorFinder:
        """A finder for another sector that reads the same tables, without sorting them again."""
        other = copy.copy(self)
        other.sector, other.accounting = sector, sector_accounting(sector)
        return other

    # -- fuels

    def fuel(self, cell: str, given: frozenset[str]) -> Fuel:
        """A fuel of the sector's table set, of a set named in the cell (``set:fuel``), or a measured one.

        Raises
        ------
        InputError
            If the fuel is unknown, or is of another set and the row does not give its own terms.
        """
        own_set = self.accounting.table_set
        table_set, _, name = cell.rpartition(SET_MARK)
        if table_set and table_set != own_set and self.accounting.process_sets is not None:
            raise refuse(
                f"'{cell}' is of the table set '{table_set}'; the guideline of '{self.sector}' uses '{own_set}' only.",
                f"“{cell}”属于因子集 {table_set}；行业 {self.sector} 的指南只用 {own_set}。",
                "Give net_calorific_value and carbon_content as measured, or use a fuel of the sector's set.",
                "请填写实测低位发热量和含碳量，或选用本行业因子集中的燃料。",
            )
        row = self._fuels.get((table_set or own_set, name))
        if row is None:
            return self._measured_fuel(name, given)
        entry = f"{row.table_set}{SET_MARK}{row.fuel}"
        by_analogy = self.accounting.by_analogy and row.table_set == own_set
        basis = "assumption" if by_analogy else str(row.basis)

        def term(column: str, unit: str) -> Term:
            return Term(
                column,
                float(getattr(row, column)),
                f"{entry}/{column}",
                unit=unit,
                source=str(row.source),
                basis=basis,
            )

        return Fuel(
            unit=str(row.unit),
            factor=entry,
            source=str(row.source),
            basis=basis,
            net_calorific_value=term("net_calorific_value", f"GJ/{row.unit}"),
            carbon_content=term("carbon_content", "tC/TJ"),
            oxidation=term("oxidation", "1"),
        )

    def is_fuel(self, cell: str) -> bool:
        """Whether a factor cell names a fuel of any set, or nothing that the process table knows."""
        return cell.rpartition(SET_MARK)[2] in {fuel for _, fuel in self._fuels} or cell not in self._process

    def _measured_fuel(self, name: str, given: frozenset[str]) -> Fuel:
        """A fuel that other sets list: only its unit is taken from there, and the oxidation of its state from here."""
        own = sorted(fuel for table_set, fuel in self._fuels if table_set == self.accounting.table_set)
        elsewhere = next((row for (_, fuel), row in self._fuels.items() if fuel == name), None)
        if elsewhere is None:
            known = {fuel for _, fuel in self._fuels}
            raise refuse(
                f"fuel '{name}' is not known.",
                f"未知燃料“{name}”。",
                f"{did_you_mean(name, known)} Known to this sector: {shorten(own)}.".strip(),
                f"{did_you_mean(name, known, 'zh')}本行业可用：{shorten(own, 'zh')}。",
            )
        measured = frozenset({"net_calorific_value", "carbon_content"})
        if not measured <= given:
            refused, _ = self.accounting.check_terms("combustion", name, measured)
            raise refuse(
                f"fuel '{name}' is not in the table set '{self.accounting.table_set}' of sector '{self.sector}', and "
                "sets are not mixed.",
                f"燃料“{name}”不在行业 {self.sector} 的因子集 {self.accounting.table_set} 中，不同因子集不得混用。",
                f"{'U' if refused else 'Give net_calorific_value and carbon_content as measured, or u'}se one of: "
                f"{shorten(own)}.",
                f"请{'' if refused else '填写实测低位发热量和含碳量，或'}选用：{shorten(own, 'zh')}。",
            )
        alike = [
            row
            for (table_set, _), row in self._fuels.items()
            if table_set == self.accounting.table_set and str(row.state) == str(elsewhere.state)
        ]
        of_state = {float(row.oxidation) for row in alike}  # type: ignore[arg-type]  # itertuples has no column types
        is_known = len(of_state) == 1
        oxidation = of_state.pop() if is_known else (NAN if self.accounting.oxidation_enters else 1.0)
        entry = f"measured{SET_MARK}{name}"
        unit = str(elsewhere.unit)
        return Fuel(
            unit=unit,
            factor=entry,
            source="",
            basis="",
            net_calorific_value=Term("net_calorific_value", unit=f"GJ/{unit}"),
            carbon_content=Term("carbon_content", unit="tC/TJ"),
            oxidation=Term(
                "oxidation",
                oxidation,
                f"{self.accounting.table_set}{SET_MARK}{elsewhere.state}/oxidation",
                source=str(alike[0].source) if is_known else "",
                basis=str(alike[0].basis) if is_known else "",
            ),
        )

    # -- processes

    def process(self, factor: str) -> dict[str, Any]:
        """Row of a process factor that this sector may use and that has a value."""
        if factor not in self._process:
            hint = did_you_mean(factor, self._process)
            hint_zh = did_you_mean(factor, self._process, "zh")
            raise refuse(f"process factor '{factor}' is not known.", f"未知过程因子“{factor}”。", hint, hint_zh)
        row = self._process[factor]
        allowed = self.accounting.process_sets
        if allowed is not None and row["table_set"] not in allowed and factor != HEAT:
            sets = shorten(sorted(allowed))
            only = f"takes {sets} only" if sets else "has no process factor"
            only_zh = f"只用{sets}" if sets else "没有过程排放因子"
            raise refuse(
                f"factor '{factor}' is of the table set '{row['table_set']}'; sector '{self.sector}' {only}.",
                f"因子“{factor}”属于因子集 {row['table_set']}；行业 {self.sector} {only_zh}。",
                "Use a factor of it, or drop the row.",
                "请选用该指南的因子，或删除该行。",
            )
        if row["basis"] == "draft":
            raise refuse(
                f"factor '{factor}' is a draft that the final guideline replaced.",
                f"因子“{factor}”出自征求意见稿，已被正式指南替代。",
                "Use the final one.",
                "请使用正式因子。",
            )
        if np.isnan(row["value"]):
            raise refuse(
                f"factor '{factor}' is listed without a value: {row['note'] or 'no number was found'}.",
                f"因子“{factor}”没有数值：未找到有来源的数值。",
                "Account by fuel and material instead, supply a factor with its source (own factors), or give the "
                "emissions as 'reported'.",
                "请改按燃料和原料核算，或提供带来源的自有因子，或以 reported（报告值）填报。",
            )
        return row

    def process_term(self, factor: str, name: str, kinds: tuple[str, ...]) -> Term:
        """The value of a process factor as a term; it must be of one of the kinds of quantity."""
        row = self.process(factor)
        if row["quantity"] not in kinds:
            raise refuse(
                f"factor '{factor}' is a {row['quantity']}, not {' or '.join(kinds)}.",
                f"因子“{factor}”的类型为 {row['quantity']}，此处需要 {'/'.join(kinds)}。",
            )
        return Term(
            name,
            float(row["value"]),
            f"{factor}/{row['quantity']}",
            unit=str(row["unit"]),
            source=str(row["source"]),
            basis=str(row["basis"]),
        )

    def per_unit(self, ask: Ask, direction: float = 1.0, gas: str = "CO2") -> tuple[Term, str, str]:
        """Tonnes of gas per unit of activity by a process factor, as a term; its gas; the unit of the activity.

        A row that measures its ``emission_factor`` needs no entry of the tables: it is tonnes of ``gas`` per tonne.

        Raises
        ------
        InputError
            If the factor has no value, is no emission factor, or works in the other direction than ``direction``.
        """
        factor = ask.factor
        if "emission_factor" in ask.given and factor not in self._process:
            return Term("emission_factor", unit=f"t {gas}/t"), gas, "t"
        row = self.process(factor)
        if row["sign"] * direction < 0:
            raise refuse(
                f"factor '{factor}' {'adds' if row['sign'] > 0 else 'subtracts'}, the method does the opposite.",
                f"因子“{factor}”的方向与核算方法相反。",
                "Use the factor or the method of the other direction.",
                "请改用方向相符的因子或方法。",
            )
        if ask.method not in str(row["methods"]).split(";"):
            listed = str(row["methods"]).replace(";", ", ")
            raise refuse(
                f"factor '{factor}' is not made for method '{ask.method}'.",
                f"因子“{factor}”不适用于方法 {ask.method}。",
                f"It is for: {listed or 'no method; it is listed for reference'}.",
                f"适用方法：{listed or '无，仅供参考'}。",
            )
        term = self.process_term(factor, "emission_factor", ("emission_factor", "carbon_content"))
        amount, _, per = str(row["unit"]).partition("/")
        if not per:
            raise refuse(
                f"factor '{factor}' is in '{row['unit']}': a total, not an amount per unit of activity.",
                f"因子“{factor}”的单位为 {row['unit']}，是总量而非单位活动数据的排放量。",
                "Divide it by the activity and write its unit, such as tCO2/t; or give the total as 'reported'.",
                "请除以活动数据并写明单位（如 tCO2/t），或以 reported（报告值）填报总量。",
            )
        scale = CO2_PER_CARBON if row["quantity"] == "carbon_content" else _tonnes(amount)
        unit = f"t {row['gas']}/{canonical(per)}"
        return _scaled(term, scale, unit), str(row["gas"]), canonical(per)

    def is_per_oxide(self, factor: str) -> bool:
        """Whether a process factor is per tonne of an oxide in the product, not per tonne of product."""
        return factor in self._process and str(self._process[factor]["unit"]).endswith(OXIDES)

    # -- other tables

    def gas_terms(self, factor: str) -> tuple[tuple[str, Term], ...]:
        """Methane and nitrous oxide of a fuel per heat burnt [t/GJ], by the id in the row's ``gas_factor`` cell."""
        table = self.factors.combustion_gases
        rows = table[table["factor"] == factor]
        if rows.empty:
            raise refuse(
                f"combustion gas factor '{factor}' is not known.",
                f"未知的非二氧化碳燃烧因子“{factor}”。",
                did_you_mean(factor, table["factor"]),
                did_you_mean(factor, table["factor"], "zh"),
            )
        found = []
        for row in rows.itertuples():
            amount, _, per = str(row.unit).partition("/")
            scale = _tonnes(amount) / conversion_factor(per, "GJ")
            term = Term(
                "gas_factor",
                float(row.value) * scale,  # type: ignore[arg-type]  # itertuples has no column types
                f"{factor}/{row.gas}",
                unit=f"t {row.gas}/GJ",
                source=str(row.source),
                basis=str(row.basis),
                fixed=True,
            )
            found.append((str(row.gas), term))
        return tuple(found)

    def gases_of(self, factor: str) -> tuple[tuple[str, Term | None], ...]:
        """The gas that the id names, or the gases of a blend with their mass shares."""
        if factor in set(self.factors.gwp["gas"]):
            return ((factor, None),)
        table = self.factors.blends
        rows = table[table["blend"] == factor]
        if rows.empty:
            known = [*self.factors.gwp["gas"], *table["blend"].unique()]
            raise refuse(
                f"'{factor}' is neither a gas with a warming potential nor a blend.",
                f"“{factor}”既不是有增温潜势的气体，也不是已知混合工质。",
                did_you_mean(factor, known),
                did_you_mean(factor, known, "zh"),
            )
        return tuple(
            (
                str(row.gas),
                Term(
                    "mass_share",
                    float(row.mass_share),  # type: ignore[arg-type]  # itertuples has no column types
                    f"{factor}/{row.gas}",
                    unit="1",
                    source=str(row.source),
                    basis=str(row.basis),
                    fixed=True,
                ),
            )
            for row in rows.itertuples()
        )

    def grid(self, factor: str, year: int) -> Term:
        """The grid factor of an id, or the latest of a region in a year; the national one where nothing is named."""
        if factor == PROVINCE:
            raise refuse(
                "the row asks for the factor of the enterprise's province, and the enterprise names none.",
                "该行要求使用企业所在省份的电力因子，但企业表未填写省份。",
                "Fill `province` in the table of enterprises, or name a region or a factor here.",
                "请在企业表填写 province，或在此填写地区或因子代码。",
            )
        known = set(self.factors.grid["factor"])
        close = did_you_mean(factor, known) if factor.startswith("grid_") and factor not in known else ""
        if close:
            raise refuse(
                f"grid factor '{factor}' is not known.",
                f"未知的电力因子“{factor}”。",
                close,
                did_you_mean(factor, known, "zh"),
            )
        row = grid_factor(self.factors, factor or NATION, year)
        if row["kind"] not in AVERAGES:
            raise refuse(
                f"grid factor '{row['factor']}' is a {row['kind']} mix, not the average of a grid.",
                f"电力因子“{row['factor']}”为 {row['kind']} 口径，并非电网平均因子。",
                "It counts in the market-based total only; name an average factor, and contracts in certificates.",
                "该因子只用于基于市场的范围二；此处请填平均因子，合同电量请填 certificates 表。",
            )
        return Term(
            "grid_factor",
            float(row["value"]),
            str(row["factor"]),
            unit=str(row["unit"]),
            source=str(row["source"]),
            basis=str(row["basis"]),
            fixed=True,
        )


def _tonnes(amount: str) -> float:
    """Tonnes in the unit before the slash of a factor; tCO2, kg, t of a gas."""
    name = canonical(amount)
    return conversion_factor(name, "tCO2e" if name.endswith("CO2e") else "t")


def _scaled(term: Term, scale: float, unit: str) -> Term:
    if scale == 1:
        return term
    return Term(term.name, term.default * scale, term.key, term.form, unit, term.source, term.basis)
